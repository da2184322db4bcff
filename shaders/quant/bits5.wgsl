// 5-bit weights: the lower four bits as in bits4.wgsl; the fifth bits of a block in one word of a plane behind them, four words a vec4u:
// bit 8k + i belongs to weight 4i + k.
const MASK = vec4u(0x1f, 0x1f00, 0x1f0000, 0x1f000000);
const PLACE = vec4f(1.0, 0x1p-8, 0x1p-16, 0x1p-24);
override UPPER = 0u; // where the plane of fifth bits begins in `quants`

fn ready(x: mat4x4f) -> mat4x4f {
  return mat4x4f(x[0] * PLACE, x[1] * PLACE, x[2] * PLACE, x[3] * PLACE);
}

// Bytes with the 5-bit weights of quads 0..3 and 4..7.
fn bytes_low(w: vec4u, upper: u32) -> vec4u {
  return (w & vec4u(0x0f0f0f0f)) | (((vec4u(upper) >> vec4u(0, 1, 2, 3)) & vec4u(0x01010101)) << vec4u(4));
}

fn bytes_high(w: vec4u, upper: u32) -> vec4u {
  return ((w >> vec4u(4)) & vec4u(0x0f0f0f0f)) | (((vec4u(upper) >> vec4u(4, 5, 6, 7)) & vec4u(0x01010101)) << vec4u(4));
}

fn lanes(word: u32) -> vec4f {
  return vec4f(vec4i(vec4u(word) & MASK));
}

// Sums of q·x over weights 0..15 and 16..31 of a block; x as ready() gives it.
fn dots(block: u32, x0: mat4x4f, x1: mat4x4f) -> vec2f {
  let upper = quants[UPPER + block / 4][block % 4];
  let w = bytes_low(quants[block], upper);
  let h = bytes_high(quants[block], upper);
  return vec2f(
    dot(lanes(w.x), x0[0]) + dot(lanes(w.y), x0[1]) + dot(lanes(w.z), x0[2]) + dot(lanes(w.w), x0[3]),
    dot(lanes(h.x), x1[0]) + dot(lanes(h.y), x1[1]) + dot(lanes(h.z), x1[2]) + dot(lanes(h.w), x1[3]));
}

// q of weights 16·half to 16·half + 15, four a column.
fn levels(block: u32, half: u32) -> mat4x4f {
  let upper = quants[UPPER + block / 4][block % 4];
  let w = select(bytes_low(quants[block], upper), bytes_high(quants[block], upper), half == 1);
  return mat4x4f(lanes(w.x) * PLACE, lanes(w.y) * PLACE, lanes(w.z) * PLACE, lanes(w.w) * PLACE);
}

// The block's q as signed bytes, weights 0..15 and 16..31, four a word.
struct Bytes {
  low: vec4u,
  high: vec4u,
}

fn bytes(block: u32) -> Bytes {
  let upper = quants[UPPER + block / 4][block % 4];
  return Bytes(bytes_low(quants[block], upper), bytes_high(quants[block], upper));
}
