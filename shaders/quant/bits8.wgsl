// 8-bit signed weights, a block of 32 in two vec4u: byte k of word i is weight 4i + k.
// Each byte is brought to the top of its word, where it is signed already, and taken as q · 2^24; ready() takes that back.
const TOP = vec4u(24, 16, 8, 0);
const PLACE = 0x1p-24;

fn ready(x: mat4x4f) -> mat4x4f {
  return x * PLACE;
}

fn lanes(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>((vec4u(word) << TOP) & vec4u(0xff000000)));
}

// Sums of q·x over weights 0..15 and 16..31 of a block; x as ready() gives it.
fn dots(block: u32, x0: mat4x4f, x1: mat4x4f) -> vec2f {
  let w = quants[2 * block];
  let h = quants[2 * block + 1];
  return vec2f(
    dot(lanes(w.x), x0[0]) + dot(lanes(w.y), x0[1]) + dot(lanes(w.z), x0[2]) + dot(lanes(w.w), x0[3]),
    dot(lanes(h.x), x1[0]) + dot(lanes(h.y), x1[1]) + dot(lanes(h.z), x1[2]) + dot(lanes(h.w), x1[3]));
}

// q of weights 16·half to 16·half + 15, four a column.
fn levels(block: u32, half: u32) -> mat4x4f {
  let w = quants[2 * block + half];
  return mat4x4f(lanes(w.x), lanes(w.y), lanes(w.z), lanes(w.w)) * PLACE;
}

// The block's q as signed bytes, weights 0..15 and 16..31, four a word.
struct Bytes {
  low: vec4u,
  high: vec4u,
}

fn bytes(block: u32) -> Bytes {
  return Bytes(quants[2 * block], quants[2 * block + 1]);
}
