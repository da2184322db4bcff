// 6-bit weights: the lower four bits as in bits4.wgsl; the upper two of a block in two words of a plane behind them, two blocks a vec4u:
// bits 8k + 2i and 8k + 2i + 1 of word h belong to weight 16h + 4i + k.
const MASK = vec4u(0x3f, 0x3f00, 0x3f0000, 0x3f000000);
const PLACE = vec4f(1.0, 0x1p-8, 0x1p-16, 0x1p-24);
override UPPER = 0u; // where the plane of upper bits begins in `quants`

fn ready(x: mat4x4f) -> mat4x4f {
  return mat4x4f(x[0] * PLACE, x[1] * PLACE, x[2] * PLACE, x[3] * PLACE);
}

// Bytes with the 6-bit weights of quads 0..3 and 4..7.
fn bytes_low(w: vec4u, upper: u32) -> vec4u {
  return (w & vec4u(0x0f0f0f0f)) | (((vec4u(upper) >> vec4u(0, 2, 4, 6)) & vec4u(0x03030303)) << vec4u(4));
}

fn bytes_high(w: vec4u, upper: u32) -> vec4u {
  return ((w >> vec4u(4)) & vec4u(0x0f0f0f0f)) | (((vec4u(upper) >> vec4u(0, 2, 4, 6)) & vec4u(0x03030303)) << vec4u(4));
}

fn upper_bits(block: u32) -> vec2u {
  let pair = quants[UPPER + block / 2];
  return select(pair.xy, pair.zw, block % 2 == 1);
}

fn lanes(word: u32) -> vec4f {
  return vec4f(vec4i(vec4u(word) & MASK));
}

// Sums of q·x over weights 0..15 and 16..31 of a block; x as ready() gives it.
fn dots(block: u32, x0: mat4x4f, x1: mat4x4f) -> vec2f {
  let upper = upper_bits(block);
  let w = bytes_low(quants[block], upper.x);
  let h = bytes_high(quants[block], upper.y);
  return vec2f(
    dot(lanes(w.x), x0[0]) + dot(lanes(w.y), x0[1]) + dot(lanes(w.z), x0[2]) + dot(lanes(w.w), x0[3]),
    dot(lanes(h.x), x1[0]) + dot(lanes(h.y), x1[1]) + dot(lanes(h.z), x1[2]) + dot(lanes(h.w), x1[3]));
}

// q of weights 16·half to 16·half + 15, four a column.
fn levels(block: u32, half: u32) -> mat4x4f {
  let upper = upper_bits(block);
  let w = select(bytes_low(quants[block], upper.x), bytes_high(quants[block], upper.y), half == 1);
  return mat4x4f(lanes(w.x) * PLACE, lanes(w.y) * PLACE, lanes(w.z) * PLACE, lanes(w.w) * PLACE);
}

// The block's q as signed bytes, weights 0..15 and 16..31, four a word.
struct Bytes {
  low: vec4u,
  high: vec4u,
}

fn bytes(block: u32) -> Bytes {
  let upper = upper_bits(block);
  return Bytes(bytes_low(quants[block], upper.x), bytes_high(quants[block], upper.y));
}
