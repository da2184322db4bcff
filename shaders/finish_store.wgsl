// A linear map ends: out = y. Logits, or a gate whose up projection has another type.
@group(0) @binding(5) var<storage, read_write> result: array<f32>; // [tokens, RESULT_STRIDE]

override ROWS = 0u;
override RESULT_FIRST = 0u; // where a tensor is split, the first row of this part
override RESULT_STRIDE = 0u;

fn finish(token: u32, pair: u32, y: vec2f) {
  let at = token * RESULT_STRIDE + RESULT_FIRST + 2 * pair;
  result[at] = y.x;
  if (2 * pair + 1 < ROWS) { result[at + 1] = y.y; }
}
