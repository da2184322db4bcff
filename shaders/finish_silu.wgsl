// SwiGLU: a pair is a row of the gate and the same row of the up projection; out = silu(gate) · up.
@group(0) @binding(5) var<storage, read_write> result: array<f32>; // [tokens, RESULT_STRIDE]

override RESULT_STRIDE = 0u;

fn finish(token: u32, pair: u32, y: vec2f) {
  result[token * RESULT_STRIDE + pair] = y.x / (1.0 + exp(-y.x)) * y.y;
}
