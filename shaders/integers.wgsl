// Packed products of 8-bit integers (T3): a block of weights with a block of activations.
requires packed_4x8_integer_dot_product;

// A block of activations, as quantize.wgsl leaves it.
struct Codes {
  low: vec4u,
  high: vec4u,
  factor: vec4f, // scale, and the sums of scale · c of each half
}

// Sums of q·c over weights 0..15 and 16..31.
fn integer_dots(w: Bytes, x: Codes) -> vec2f {
  let low = dot4I8Packed(w.low.x, x.low.x) + dot4I8Packed(w.low.y, x.low.y) + dot4I8Packed(w.low.z, x.low.z) + dot4I8Packed(w.low.w, x.low.w);
  let high = dot4I8Packed(w.high.x, x.high.x) + dot4I8Packed(w.high.y, x.high.y) + dot4I8Packed(w.high.z, x.high.z) + dot4I8Packed(w.high.w, x.high.w);
  return vec2f(f32(low), f32(high));
}

// Σ weight·x of a block, from its integer sums and what scale_of() gives.
fn scaled_sum(dots: vec2f, scale: vec4f, x: Codes) -> f32 {
  let f = x.factor;
  return dot(scale, vec4f(f.x * dots.x, f.y, f.x * dots.y, f.z));
}
