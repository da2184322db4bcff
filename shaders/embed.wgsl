// hidden = the token's row of the embedding, and what the first norm needs (see finish_residual.wgsl). A thread for half a block.
// Needs a layout (quant/).
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;       // [vocab, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;         // likewise
@group(0) @binding(2) var<storage, read> ids: array<u32>;            // [tokens]
@group(0) @binding(3) var<storage, read_write> result: array<vec4f>; // [tokens, BLOCKS * 8]
@group(0) @binding(4) var<uniform> state: State;
@group(0) @binding(5) var<storage, read_write> scaled: array<vec4f>; // [tokens, BLOCKS * 8]
@group(0) @binding(6) var<storage, read_write> squares: array<vec4f>; // [tokens, BLOCKS * 2]
@group(0) @binding(7) var<storage, read> gamma: array<vec4f>;        // weight of the first norm [BLOCKS * 8]

override BLOCKS = 1u;
override ROW_FIRST = 0u; // where the embedding is split, the rows of this part
override ROW_COUNT = 0u;
override THREADS = 64u;

@compute @workgroup_size(THREADS) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (state.stop != 0 || id.x >= 2 * BLOCKS) { return; }
  let row = ids[id.y] - ROW_FIRST;
  if (row >= ROW_COUNT) { return; }
  let half = id.x % 2;
  let block = row * BLOCKS + id.x / 2;
  let scale = scale_of(block);
  let s = select(scale.xy, scale.zw, half == 1);
  let q = levels(block, half);
  var h = mat4x4f(q[0] * s.x + s.y, q[1] * s.x + s.y, q[2] * s.x + s.y, q[3] * s.x + s.y);
  let at = (id.y * 2 * BLOCKS + id.x) * 4;
  for (var i = 0u; i < 4; i++) {
    result[at + i] = h[i];
    scaled[at + i] = h[i] * gamma[id.x * 4 + i];
  }
  squares[at / 4] = vec4f(dot(h[0], h[0]), dot(h[1], h[1]), dot(h[2], h[2]), dot(h[3], h[3]));
}
