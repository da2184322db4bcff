// RMSNorm of many tokens: scaled = hidden / sqrt(mean(hidden²) + epsilon) · gamma. A workgroup a token.
@group(0) @binding(0) var<storage, read> hidden: array<vec4f>;       // [tokens, BLOCKS * 8]
@group(0) @binding(1) var<storage, read> gamma: array<vec4f>;        // [BLOCKS * 8]
@group(0) @binding(2) var<storage, read_write> scaled: array<vec4f>; // [tokens, BLOCKS * 8]
@group(0) @binding(3) var<uniform> state: State;

override BLOCKS = 1u;
override WIDTH = 0u;
override EPSILON = 0.0f;
override THREADS = 64u;

var<workgroup> shares: array<f32, THREADS>;

@compute @workgroup_size(THREADS) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = (state.first + group.x) * BLOCKS * 8;
  var share = 0.0;
  for (var i = local; i < BLOCKS * 8; i += THREADS) { share += dot(hidden[first + i], hidden[first + i]); }
  shares[local] = share;
  workgroupBarrier(); // the shares are there
  var sum = 0.0;
  for (var i = 0u; i < THREADS; i++) { sum += shares[i]; }
  let factor = inverseSqrt(sum / f32(WIDTH) + EPSILON);
  for (var i = local; i < BLOCKS * 8; i += THREADS) { scaled[first + i] = hidden[first + i] * factor * gamma[i]; }
}
