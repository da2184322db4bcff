// Puts the runs of positions of attend.wgsl together. A workgroup a head, a thread a dimension.
@group(0) @binding(0) var<storage, read> partials: array<f32>;         // [heads, MAX_SPLITS, HEAD + 2]: sum, maximum, denominator
@group(0) @binding(1) var<storage, read_write> attended: array<f32>;   // [heads, HEAD]
@group(0) @binding(2) var<uniform> state: State;

override HEAD = 8u;
override MAX_SPLITS = 1u;
override WINDOW = 0xffffffffu; // see attend.wgsl
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  if (state.stop != 0) { return; }
  let splits = split_count(min(state.position + 1, WINDOW));
  let base = group.x * MAX_SPLITS * (HEAD + 2);
  var peak = -1e30;
  for (var s = 0u; s < splits; s++) { peak = max(peak, partials[base + s * (HEAD + 2) + HEAD]); }
  for (var d = local; d < HEAD; d += THREADS) {
    var sum = 0.0;
    var under = 0.0;
    for (var s = 0u; s < splits; s++) {
      let at = base + s * (HEAD + 2);
      let w = exp(partials[at + HEAD] - peak);
      sum += w * partials[at + d];
      under += w * partials[at + HEAD + 1];
    }
    attended[group.x * HEAD + d] = sum / under;
  }
}
