// SwiGLU where gate and up have different types: the gate is in `result` already; out = silu(out) · y.
@group(0) @binding(5) var<storage, read_write> result: array<f32>; // [tokens, RESULT_STRIDE]

override ROWS = 0u;
override RESULT_STRIDE = 0u;

fn finish(token: u32, pair: u32, y: vec2f) {
  let at = token * RESULT_STRIDE + 2 * pair;
  result[at] = silu(result[at]) * y.x;
  if (2 * pair + 1 < ROWS) { result[at + 1] = silu(result[at + 1]) * y.y; }
}

fn silu(x: f32) -> f32 {
  return x / (1.0 + exp(-x));
}
