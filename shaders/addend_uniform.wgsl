// addend_rows.wgsl for one token, where the kernel has no storage buffer left to bind: the addend is a uniform.
@group(0) @binding(9) var<uniform> addend: array<vec4f, 4096>; // of up to 16,384 rows

override ADDEND_FIRST = 0u; // where the matrix is split, the first row of this part

fn end(token: u32, quad: u32, y: vec4f) {
  let a = 2 * quad * PAIR_STRIDE; // see matvec.wgsl
  let b = a + PAIR_STRIDE;
  finish(token, quad, y + vec4f(addend_of(a), addend_of(a + PAIR_OTHER), addend_of(b), addend_of(b + PAIR_OTHER)));
}

fn addend_of(row: u32) -> f32 {
  let at = ADDEND_FIRST + min(row, LAST_ROW);
  return addend[at / 4][at % 4];
}
