// Scale plane of the float layouts: there is none, a weight is what it is.
fn weigh(block: u32, dots: vec2f, sums: vec2f) -> f32 {
  return dots.x + dots.y;
}

fn scale_of(block: u32) -> vec4f {
  return vec4f(1.0, 0.0, 1.0, 0.0);
}
