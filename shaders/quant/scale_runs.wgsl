// Scale plane of Q6_K: five words for eight blocks. Word 0: d, half; words 1..4: signed byte j is the scale of weights
// 16j..16j+15, so a block has two. weight = d · scale · (q - 32).
fn run_scales(block: u32) -> vec2f {
  let at = block / 8 * 5;
  let j = block % 8;
  let both = bitcast<i32>(scales[at + 1 + j / 2] << (16 * (1 - j % 2)));
  return unpack2x16float(scales[at]).x * vec2f(f32((both << 8) >> 24), f32(both >> 24));
}

// Σ weight·x of a block, from its sums of q·x and of x (weights 0..15, 16..31).
fn weigh(block: u32, dots: vec2f, sums: vec2f) -> f32 {
  return dot(run_scales(block), dots - 32.0 * sums);
}

// (scale, minimum) of weights 0..15, the same of 16..31: weight = scale · q + minimum.
fn scale_of(block: u32) -> vec4f {
  let d = run_scales(block);
  return vec4f(d.x, -32.0 * d.x, d.y, -32.0 * d.y);
}
