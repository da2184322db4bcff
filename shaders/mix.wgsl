// The chosen experts' results, each by its share, end in the residual. A thread for four values of a token. Needs finish().
@group(0) @binding(0) var<storage, read> results: array<f32>;  // [tokens, USED, STRIDE]
@group(0) @binding(1) var<storage, read> portions: array<f32>; // [tokens, USED]
@group(0) @binding(2) var<uniform> state: State;

override USED = 1u;
override STRIDE = 4u; // multiple of 4
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (state.stop != 0 || 4 * id.x >= ROWS) { return; }
  var sum = vec4f();
  for (var slot = 0u; slot < USED; slot++) {
    let job = id.y * USED + slot;
    let at = job * STRIDE + 4 * id.x;
    sum += portions[job] * vec4f(results[at], results[at + 1], results[at + 2], results[at + 3]);
  }
  finish(id.y, id.x, sum);
}
