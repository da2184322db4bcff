// Tiles of matmul.wgsl in floats. Needs a layout (quant/) and the alias Tile (vec4f or vec4h), in which they wait in shared memory.
@group(0) @binding(2) var<storage, read> input: array<vec4f>; // X [tokens, BLOCKS * 8]

const PITCH = 9u; // vectors from one row of a tile to the next: 8, and one that keeps threads on different banks

var<workgroup> weights: array<Tile, 64 * PITCH>;
var<workgroup> activations: array<Tile, 32 * PITCH>; // a line a token

// A thread's share: weights of block `at` to its line, and four vectors of activations.
fn bring(local: u32, at: u32, token: u32, block: u32) {
  let scale = scale_of(at);
  var low = levels(at, 0); // var: Naga indexes no values with a variable
  var high = levels(at, 1);
  let line = local * PITCH;
  for (var i = 0u; i < 4; i++) {
    weights[line + i] = Tile(low[i] * scale.x + scale.y);
    weights[line + 4 + i] = Tile(high[i] * scale.z + scale.w);
    let t = 8 * i + local / 8;
    activations[t * PITCH + local % 8] = Tile(input[((token + t) * BLOCKS + block) * 8 + local % 8]);
  }
}

// Products of the rows of four `quad` with tokens `column`, `column + 8`, + 16, + 24: a column a token.
fn products(quad: u32, column: u32) -> mat4x4f {
  var sums = mat4x4f();
  for (var k = 0u; k < 8; k++) {
    let x = mat4x4f(vec4f(activations[column * PITCH + k]), vec4f(activations[(column + 8) * PITCH + k]),
      vec4f(activations[(column + 16) * PITCH + k]), vec4f(activations[(column + 24) * PITCH + k]));
    // A matrix of the four rows times a vector gives the four dot products.
    let w = transpose(mat4x4f(vec4f(weights[quad * PITCH + k]), vec4f(weights[(16 + quad) * PITCH + k]),
      vec4f(weights[(32 + quad) * PITCH + k]), vec4f(weights[(48 + quad) * PITCH + k])));
    sums += w * x;
  }
  return sums;
}
