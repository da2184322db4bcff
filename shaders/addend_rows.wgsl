// A linear map with something to add to its products before they end: a bias, which is the same for all tokens, or what adapters
// change (expand.wgsl).
@group(0) @binding(9) var<storage, read> addend: array<f32>; // [tokens, ADDEND_STRIDE]

override ADDEND_FIRST = 0u;  // where the matrix is split, the first row of this part
override ADDEND_STRIDE = 0u; // rows of the whole matrix; 0: the same for all tokens

fn end(token: u32, quad: u32, y: vec4f) {
  let at = token * ADDEND_STRIDE + ADDEND_FIRST;
  let a = 2 * quad * PAIR_STRIDE; // see matvec.wgsl
  let b = a + PAIR_STRIDE;
  finish(token, quad, y + vec4f(addend_of(at, a), addend_of(at, a + PAIR_OTHER), addend_of(at, b), addend_of(at, b + PAIR_OTHER)));
}

fn addend_of(first: u32, row: u32) -> f32 {
  return addend[first + min(row, LAST_ROW)];
}
