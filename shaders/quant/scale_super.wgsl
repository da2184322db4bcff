// Scale plane of Q4_K and Q5_K: five words for eight blocks. Word 0: d and dmin, halves; words 1..4: scale and minimum
// of blocks 0, 1 and so on, a byte each. weight = d · scale · q - dmin · minimum.
fn block_pair(block: u32) -> vec2f {
  let at = block / 8 * 5;
  let j = block % 8;
  let both = scales[at + 1 + j / 2] >> (16 * (j % 2));
  return unpack2x16float(scales[at]) * vec2f(f32(both & 255), -f32((both >> 8) & 255));
}

// Σ weight·x of a block, from its sums of q·x and of x (weights 0..15, 16..31).
fn weigh(block: u32, dots: vec2f, sums: vec2f) -> f32 {
  let pair = block_pair(block);
  return pair.x * (dots.x + dots.y) + pair.y * (sums.x + sums.y);
}

// (scale, minimum) of weights 0..15, the same of 16..31: weight = scale · q + minimum.
fn scale_of(block: u32) -> vec4f {
  return block_pair(block).xyxy;
}
