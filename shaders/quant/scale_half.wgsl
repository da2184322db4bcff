// Scale plane of Q4_0, Q5_0 and Q8_0: one half float a block, two in a word. weight = d · (q - ZERO).
override ZERO = 0.0f;

fn block_scale(block: u32) -> f32 {
  let pair = unpack2x16float(scales[block / 2]);
  return select(pair.x, pair.y, block % 2 == 1);
}

// Σ weight·x of a block, from its sums of q·x and of x (weights 0..15, 16..31).
fn weigh(block: u32, dots: vec2f, sums: vec2f) -> f32 {
  return block_scale(block) * (dots.x + dots.y - ZERO * (sums.x + sums.y));
}

// (scale, minimum) of weights 0..15, the same of 16..31: weight = scale · q + minimum.
fn scale_of(block: u32) -> vec4f {
  let d = block_scale(block);
  return vec4f(d, -ZERO * d, d, -ZERO * d);
}
