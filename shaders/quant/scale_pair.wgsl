// Scale plane of Q4_1 and Q5_1: a word a block, scale and minimum as half floats. weight = d · q + m.
// Σ weight·x of a block, from its sums of q·x and of x (weights 0..15, 16..31).
fn weigh(block: u32, dots: vec2f, sums: vec2f) -> f32 {
  let pair = unpack2x16float(scales[block]);
  return pair.x * (dots.x + dots.y) + pair.y * (sums.x + sums.y);
}

// (scale, minimum) of weights 0..15, the same of 16..31: weight = scale · q + minimum.
fn scale_of(block: u32) -> vec4f {
  let pair = unpack2x16float(scales[block]);
  return pair.xyxy;
}
