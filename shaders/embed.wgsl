// hidden = the token's row of the embedding. A thread for half a block. Needs a layout (quant/).
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;       // [vocab, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;         // likewise
@group(0) @binding(2) var<storage, read> ids: array<u32>;            // [tokens]
@group(0) @binding(3) var<storage, read_write> result: array<vec4f>; // [tokens, BLOCKS * 8]
@group(0) @binding(4) var<uniform> state: State;

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
  let at = (id.y * 2 * BLOCKS + id.x) * 4;
  result[at] = q[0] * s.x + s.y;
  result[at + 1] = q[1] * s.x + s.y;
  result[at + 2] = q[2] * s.x + s.y;
  result[at + 3] = q[3] * s.x + s.y;
}
