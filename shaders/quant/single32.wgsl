// Weights as floats, a block of 32 in eight vec4u. No scales.
fn ready(x: mat4x4f) -> mat4x4f {
  return x;
}

// Weights 16·half to 16·half + 15 of a block, four a column.
fn levels(block: u32, half: u32) -> mat4x4f {
  let at = 8 * block + 4 * half;
  return mat4x4f(bitcast<vec4f>(quants[at]), bitcast<vec4f>(quants[at + 1]), bitcast<vec4f>(quants[at + 2]), bitcast<vec4f>(quants[at + 3]));
}

fn half_dot(w: mat4x4f, x: mat4x4f) -> f32 {
  return dot(w[0], x[0]) + dot(w[1], x[1]) + dot(w[2], x[2]) + dot(w[3], x[3]);
}

// Sums of w·x over weights 0..15 and 16..31 of a block.
fn dots(block: u32, x0: mat4x4f, x1: mat4x4f) -> vec2f {
  return vec2f(half_dot(levels(block, 0), x0), half_dot(levels(block, 1), x1));
}
