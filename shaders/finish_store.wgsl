// A linear map ends: out = y. Logits, or a gate whose up projection has another type.
@group(0) @binding(5) var<storage, read_write> result: array<f32>; // [tokens, RESULT_STRIDE]

override ROWS = 0u;
override RESULT_FIRST = 0u; // where a tensor is split, the first row of this part
override RESULT_STRIDE = 0u;

fn finish(token: u32, quad: u32, y: vec4f) {
  let at = token * RESULT_STRIDE + RESULT_FIRST + 4 * quad;
  for (var i = 0u; i < min(4, ROWS - 4 * quad); i++) { result[at + i] = y[i]; }
}
