// Y = X·Wᵀ for many tokens, in tiles of 64 rows x 32 tokens that step through the columns a block of 32 at a time. 64 threads: each
// unpacks a row's block, brings four vectors of activations, and multiplies 8 rows with 4 tokens.
// Needs a layout (quant/), finish() and the alias Tile (vec4f or vec4h), in which weights and activations wait in shared memory.
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;  // [rows, BLOCKS], as the layout has it
@group(0) @binding(1) var<storage, read> scales: array<u32>;    // [rows, BLOCKS], likewise
@group(0) @binding(2) var<storage, read> input: array<vec4f>;   // X [tokens, BLOCKS * 8]
@group(0) @binding(3) var<uniform> state: State;

override BLOCKS = 1u;      // blocks of 32 in a row
override QUADS = 1u;       // fours of rows
override PAIR_STRIDE = 2u; // see matvec.wgsl
override PAIR_OTHER = 1u;
override LAST_ROW = 0u;

const PITCH = 9u; // vectors from one row of a tile to the next: 8, and one that keeps threads on different banks

var<workgroup> weights: array<Tile, 64 * PITCH>;     // row i of four q is in line 16i + q
var<workgroup> activations: array<Tile, 32 * PITCH>; // a line a token

@compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first_quad = group.x * 16;
  let first_token = group.y * 32;
  let my_quad = first_quad + local % 16;
  let my_row = row_of(my_quad, local / 16);
  let row = local / 8;   // of threads: fours `row` and `row + 8`
  let column = local % 8; // tokens `column`, `column + 8`, + 16, + 24
  var near = mat4x4f(); // four `row`, a column a token
  var far = mat4x4f();  // four `row + 8`
  for (var block = 0u; block < BLOCKS; block++) {
    let at = my_row * BLOCKS + block;
    let scale = scale_of(at);
    var low = levels(at, 0); // var: Naga indexes no values with a variable
    var high = levels(at, 1);
    let line = local * PITCH;
    for (var i = 0u; i < 4; i++) {
      weights[line + i] = Tile(low[i] * scale.x + scale.y);
      weights[line + 4 + i] = Tile(high[i] * scale.z + scale.w);
      let token = 8 * i + local / 8;
      activations[token * PITCH + local % 8] = Tile(input[((state.first + first_token + token) * BLOCKS + block) * 8 + local % 8]);
    }
    workgroupBarrier(); // the tiles are there
    for (var k = 0u; k < 8; k++) {
      let x = mat4x4f(vec4f(activations[column * PITCH + k]), vec4f(activations[(column + 8) * PITCH + k]),
        vec4f(activations[(column + 16) * PITCH + k]), vec4f(activations[(column + 24) * PITCH + k]));
      near += products(row, k, x);
      far += products(row + 8, k, x);
    }
    workgroupBarrier(); // the tiles are used up
  }
  finish_four(first_token + column, first_quad + row, near);
  finish_four(first_token + column, first_quad + row + 8, far);
}

// Products of the rows of four `quad` with four tokens, at vector k.
fn products(quad: u32, k: u32, x: mat4x4f) -> mat4x4f {
  // A matrix of the four rows times a vector gives the four dot products.
  let w = transpose(mat4x4f(vec4f(weights[quad * PITCH + k]), vec4f(weights[(16 + quad) * PITCH + k]),
    vec4f(weights[(32 + quad) * PITCH + k]), vec4f(weights[(48 + quad) * PITCH + k])));
  return w * x;
}

fn finish_four(token: u32, quad: u32, sums: mat4x4f) {
  if (quad >= QUADS) { return; }
  if (token < state.tokens) { finish(token, quad, sums[0]); }
  if (token + 8 < state.tokens) { finish(token + 8, quad, sums[1]); }
  if (token + 16 < state.tokens) { finish(token + 16, quad, sums[2]); }
  if (token + 24 < state.tokens) { finish(token + 24, quad, sums[3]); }
}

// Row i of a four.
fn row_of(quad: u32, i: u32) -> u32 {
  return min((2 * quad + i / 2) * PAIR_STRIDE + i % 2 * PAIR_OTHER, LAST_ROW);
}
