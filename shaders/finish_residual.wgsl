// A linear map of one token ends in the residual: out += y. What the next norm needs is left beside it: the values times the norm's
// weight, and the sum of their squares by fours.
@group(0) @binding(5) var<storage, read_write> result: array<f32>;     // [RESULT_STRIDE]
@group(0) @binding(6) var<storage, read_write> scaled: array<f32>;     // [RESULT_STRIDE]
@group(0) @binding(7) var<storage, read_write> squares_out: array<f32>; // [RESULT_STRIDE / 4]
@group(0) @binding(8) var<storage, read> gamma: array<f32>;            // weight of the next norm [RESULT_STRIDE]

override ROWS = 0u;
override RESULT_FIRST = 0u;

fn finish(token: u32, quad: u32, y: vec4f) {
  let at = RESULT_FIRST + 4 * quad;
  var square = 0.0;
  for (var i = 0u; i < min(4, ROWS - 4 * quad); i++) {
    let sum = result[at + i] + y[i];
    result[at + i] = sum;
    scaled[at + i] = sum * gamma[at + i];
    square += sum * sum;
  }
  squares_out[at / 4] = square;
}
