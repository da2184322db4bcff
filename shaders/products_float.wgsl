// Products of matvec.wgsl and matfew.wgsl with activations in floats. Needs a layout (quant/) and activations().
@group(0) @binding(2) var<storage, read> input: array<vec4f>; // x [tokens, BLOCKS * 8]

const PIECES = 2u;      // a few tokens take half a block at a time: unpacked, a whole one fills too many registers
const PIECE_WORDS = 4u; // vectors of `input` in a piece

// Products of a block of four rows with one token's.
fn block_sums(rows: vec4u, block: u32, local: u32) -> vec4f {
  var x0 = activations(8 * block, local);
  var x1 = activations(8 * block + 4, local);
  let totals = vec2f(total(x0), total(x1));
  x0 = ready(x0);
  x1 = ready(x1);
  return vec4f(weigh(rows.x + block, dots(rows.x + block, x0, x1), totals), weigh(rows.y + block, dots(rows.y + block, x0, x1), totals),
    weigh(rows.z + block, dots(rows.z + block, x0, x1), totals), weigh(rows.w + block, dots(rows.w + block, x0, x1), totals));
}

fn total(x: mat4x4f) -> f32 {
  return dot(x[0] + x[1] + x[2] + x[3], vec4f(1.0));
}

// 16 weights of a row.
alias Piece = mat4x4f;

fn piece_of(row: u32, i: u32) -> Piece {
  let block = row + i / 2;
  let scale = scale_of(block);
  let s = select(scale.xy, scale.zw, i % 2 == 1);
  let q = levels(block, i % 2);
  return mat4x4f(q[0] * s.x + s.y, q[1] * s.x + s.y, q[2] * s.x + s.y, q[3] * s.x + s.y);
}

// Products of a piece of four rows with a token's, which begins at `at`.
fn piece_sums(a: Piece, b: Piece, c: Piece, d: Piece, at: u32, local: u32) -> vec4f {
  let x = activations(at, local);
  return vec4f(dot_piece(a, x), dot_piece(b, x), dot_piece(c, x), dot_piece(d, x));
}

fn dot_piece(w: Piece, x: mat4x4f) -> f32 {
  return dot(w[0], x[0]) + dot(w[1], x[1]) + dot(w[2], x[2]) + dot(w[3], x[3]);
}
