// Products of matvec.wgsl and matfew.wgsl with activations in 8-bit integers (quantize.wgsl), four at a time (T3).
// Needs a layout of bytes (quant/), codes_at() and integer_dots().
@group(0) @binding(2) var<storage, read> codes: array<vec4u>; // x as quantize.wgsl leaves it [tokens, BLOCKS * 3]

const PIECES = 1u;      // a few tokens take a block at a time
const PIECE_WORDS = 3u; // vectors of `codes` in a piece

// Products of a block of four rows with one token's.
fn block_sums(rows: vec4u, block: u32, local: u32) -> vec4f {
  let x = codes_at(3 * block, local);
  return vec4f(row_sum(rows.x + block, x), row_sum(rows.y + block, x), row_sum(rows.z + block, x), row_sum(rows.w + block, x));
}

fn row_sum(block: u32, x: Codes) -> f32 {
  return weigh(block, x.factor.x * integer_dots(bytes(block), x), x.factor.yz);
}

// A block of a row: its bytes, and scale and minimum of each half.
struct Piece {
  bytes: Bytes,
  scale: vec4f,
}

fn piece_of(row: u32, i: u32) -> Piece {
  return Piece(bytes(row + i), scale_of(row + i));
}

// Products of a piece of four rows with a token's, which begins at `at`.
fn piece_sums(a: Piece, b: Piece, c: Piece, d: Piece, at: u32, local: u32) -> vec4f {
  let x = codes_at(at, local);
  return vec4f(dot_piece(a, x), dot_piece(b, x), dot_piece(c, x), dot_piece(d, x));
}

fn dot_piece(w: Piece, x: Codes) -> f32 {
  return scaled_sum(integer_dots(w.bytes, x), w.scale, x);
}
