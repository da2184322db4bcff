// Y = X·Wᵀ for many tokens, in tiles of 64 rows x 32 tokens that step through the columns a block of 32 at a time. 64 threads: each
// brings a row's block and a share of the activations into shared memory, then multiplies 8 rows with 4 tokens.
// Needs bring() and products() (tile_*.wgsl) and end() (addend_*.wgsl).
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;  // [rows, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;    // [rows, BLOCKS], likewise
@group(0) @binding(3) var<uniform> state: State;

override BLOCKS = 1u;      // blocks of 32 in a row
override QUADS = 1u;       // fours of rows
override PAIR_STRIDE = 2u; // see matvec.wgsl
override PAIR_OTHER = 1u;
override LAST_ROW = 0u;

@compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first_quad = group.x * 16;
  let first_token = group.y * 32;
  let my_row = row_of(first_quad + local % 16, local / 16); // row i of four q is line 16i + q of the tile
  let row = local / 8;    // of threads: fours `row` and `row + 8`
  let column = local % 8; // tokens `column`, `column + 8`, + 16, + 24
  var near = mat4x4f(); // four `row`, a column a token
  var far = mat4x4f();  // four `row + 8`
  for (var block = 0u; block < BLOCKS; block++) {
    bring(local, my_row * BLOCKS + block, state.first + first_token, block);
    workgroupBarrier(); // the tiles are there
    near += products(row, column);
    far += products(row + 8, column);
    workgroupBarrier(); // the tiles are used up
  }
  end_four(first_token + column, first_quad + row, near);
  end_four(first_token + column, first_quad + row + 8, far);
}

fn end_four(token: u32, quad: u32, sums: mat4x4f) {
  if (quad >= QUADS) { return; }
  if (token < state.tokens) { end(token, quad, sums[0]); }
  if (token + 8 < state.tokens) { end(token + 8, quad, sums[1]); }
  if (token + 16 < state.tokens) { end(token + 16, quad, sums[2]); }
  if (token + 24 < state.tokens) { end(token + 24, quad, sums[3]); }
}

// Row i of a four.
fn row_of(quad: u32, i: u32) -> u32 {
  return min((2 * quad + i / 2) * PAIR_STRIDE + i % 2 * PAIR_OTHER, LAST_ROW);
}
