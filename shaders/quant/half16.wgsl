// Weights as half floats, a block of 32 in four vec4u: word i holds weights 2i and 2i + 1. No scales.
fn ready(x: mat4x4f) -> mat4x4f {
  return x;
}

fn four(a: u32, b: u32) -> vec4f {
  return vec4f(unpack2x16float(a), unpack2x16float(b));
}

// Weights 16·half to 16·half + 15 of a block, four a column.
fn levels(block: u32, half: u32) -> mat4x4f {
  let w = quants[4 * block + 2 * half];
  let h = quants[4 * block + 2 * half + 1];
  return mat4x4f(four(w.x, w.y), four(w.z, w.w), four(h.x, h.y), four(h.z, h.w));
}

fn half_dot(w: mat4x4f, x: mat4x4f) -> f32 {
  return dot(w[0], x[0]) + dot(w[1], x[1]) + dot(w[2], x[2]) + dot(w[3], x[3]);
}

// Sums of w·x over weights 0..15 and 16..31 of a block.
fn dots(block: u32, x0: mat4x4f, x1: mat4x4f) -> vec2f {
  return vec2f(half_dot(levels(block, 0), x0), half_dot(levels(block, 1), x1));
}
