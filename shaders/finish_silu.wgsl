// SwiGLU: a pair is a row of the gate and the same row of the up projection; out = silu(gate) · up.
@group(0) @binding(5) var<storage, read_write> result: array<f32>; // [tokens, RESULT_STRIDE]

override ROWS = 0u; // of both
override RESULT_STRIDE = 0u;

fn finish(token: u32, quad: u32, y: vec4f) {
  let at = token * RESULT_STRIDE + 2 * quad;
  result[at] = y.x / (1.0 + exp(-y.x)) * y.y;
  if (4 * quad + 2 < ROWS) { result[at + 1] = y.z / (1.0 + exp(-y.z)) * y.w; }
}
