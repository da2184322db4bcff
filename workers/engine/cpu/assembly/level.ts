// What the three instruction levels do differently: the integer dot product and the fused multiply-add.
// Codes (unsigned, below 128) go second: x86 takes that operand as unsigned, ARM as signed, and below 128 both agree.
import { BYTES_SPLIT, L_Q4_0, L_Q4_1, PLAIN, RELAXED16, RELAXED32 } from "./words";

/** Bytes of a word of four activations: int8, or int16 in the order 0 2 1 3 for the plain level. */
export const WORD: usize = LEVEL == PLAIN ? 8 : 4;

@inline
export function zero(): v128 {
  return i64x2.splat(0);
}

/** a · b + c in floats; one rounding where the level has it. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (LEVEL == PLAIN) return f32x4.add(f32x4.mul(a, b), c);
  return f32x4.relaxed_madd(a, b, c);
}

/** True where sums of this layout stay in 16 bits over a whole pass: 8 words · 2 · 15 · 127 = 30480. */
@inline
export function sumsIn16(layout: i32): bool {
  return LEVEL == RELAXED16 && (layout == L_Q4_0 || layout == L_Q4_1);
}

/** sum + x · codes. Four rows by four columns: lane r of the 32-bit sum is row r. */
@inline
export function dot(layout: i32, mode: i32, x: v128, codes: v128, sum: v128): v128 {
  if (LEVEL == PLAIN) return i32x4.add(sum, i32x4.dot_i16x8_s(x, codes));
  if (sumsIn16(layout)) return i16x8.add(sum, v128.relaxed_dot<i16>(x, codes));
  if (mode == BYTES_SPLIT) {
    const high = dotOnce(x, v128.and(i16x8.shr_u(codes, 4), i8x16.splat(15)), zero());
    return dotOnce(x, v128.and(codes, i8x16.splat(15)), i32x4.add(sum, i32x4.shl(high, 4)));
  }
  return dotOnce(x, codes, sum);
}

@inline
function dotOnce(x: v128, codes: v128, sum: v128): v128 {
  if (LEVEL == RELAXED32) return v128.relaxed_dot_add<i32>(x, codes, sum);
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(v128.relaxed_dot<i16>(x, codes)));
}

/** The 32-bit sum of a pass, on top of what the zero point asks for. */
@inline
export function total(layout: i32, sum: v128, start: v128): v128 {
  return sumsIn16(layout) ? i32x4.add(start, i32x4.extadd_pairwise_i16x8_s(sum)) : sum;
}
