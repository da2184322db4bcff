// A token takes the experts that the router gives most; their shares are the softmax over them alone, which is what dividing the softmax
// over all by its sum over the chosen comes to. Of equal ones the first is taken. A thread a token.
@group(0) @binding(0) var<storage, read> routes: array<f32>;         // the router's products [tokens, COUNT]
@group(0) @binding(1) var<storage, read_write> chosen: array<u32>;   // experts, best first [tokens, USED]
@group(0) @binding(2) var<storage, read_write> portions: array<f32>; // their shares [tokens, USED]
@group(0) @binding(3) var<uniform> state: State;

override COUNT = 1u; // experts there are
override USED = 1u;  // experts a token takes
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u) {
  let token = id.x;
  if (state.stop != 0 || token >= state.tokens) { return; }
  var last = 3.4e38;
  var last_id = 0u;
  var peak = 0.0;
  var total = 0.0;
  for (var slot = 0u; slot < USED; slot++) {
    var best = -3.4e38;
    var best_id = 0u;
    for (var e = 0u; e < COUNT; e++) {
      let p = routes[token * COUNT + e];
      if ((p < last || (p == last && e > last_id)) && p > best) {
        best = p;
        best_id = e;
      }
    }
    if (slot == 0) { peak = best; }
    total += exp(best - peak);
    chosen[token * USED + slot] = best_id;
    portions[token * USED + slot] = exp(best - peak);
    last = best;
    last_id = best_id;
  }
  for (var slot = 0u; slot < USED; slot++) { portions[token * USED + slot] /= total; }
}
