// 4-bit weights, a block of 32 in one vec4u: word i holds weights 4i..4i+3 in the low nibbles of its bytes, 16+4i.. in the high ones.
// The nibbles stay where they are in the word: ready() scales the activations by their place instead (one shift saved for each).
const MASK = vec4u(0xf, 0xf00, 0xf0000, 0xf000000);
const PLACE = vec4f(1.0, 0x1p-8, 0x1p-16, 0x1p-24);

fn ready(x: mat4x4f) -> mat4x4f {
  return mat4x4f(x[0] * PLACE, x[1] * PLACE, x[2] * PLACE, x[3] * PLACE);
}

fn lanes(word: u32) -> vec4f {
  return vec4f(vec4i(vec4u(word) & MASK));
}

// Sums of q·x over weights 0..15 and 16..31 of a block; x as ready() gives it.
fn dots(block: u32, x0: mat4x4f, x1: mat4x4f) -> vec2f {
  let w = quants[block];
  let h = w >> vec4u(4);
  return vec2f(
    dot(lanes(w.x), x0[0]) + dot(lanes(w.y), x0[1]) + dot(lanes(w.z), x0[2]) + dot(lanes(w.w), x0[3]),
    dot(lanes(h.x), x1[0]) + dot(lanes(h.y), x1[1]) + dot(lanes(h.z), x1[2]) + dot(lanes(h.w), x1[3]));
}

// q of weights 16·half to 16·half + 15, four a column.
fn levels(block: u32, half: u32) -> mat4x4f {
  let w = quants[block] >> vec4u(4 * half);
  return mat4x4f(lanes(w.x) * PLACE, lanes(w.y) * PLACE, lanes(w.z) * PLACE, lanes(w.w) * PLACE);
}

// The block's q as signed bytes, weights 0..15 and 16..31, four a word.
struct Bytes {
  low: vec4u,
  high: vec4u,
}

fn bytes(block: u32) -> Bytes {
  let w = quants[block];
  return Bytes(w & vec4u(0x0f0f0f0f), (w >> vec4u(4)) & vec4u(0x0f0f0f0f));
}
