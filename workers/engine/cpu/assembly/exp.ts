// 2^x, four at a time, to about 1e-7: 2^n by its exponent bits, 2^f on [-1/2, 1/2] by its Taylor series to the sixth power.
import { madd } from "./level";

/** e^x = 2^(x · LOG2E). */
export const LOG2E: f32 = 1.4426950408889634;

/** A float of this size is a whole number, and its last bits are what was added to it. */
const WHOLE: f32 = 12582912; // 1.5 · 2^23

/** 2^x; below -120 exactly 0, above 126 held at 2^126. */
@inline
export function exp2(x: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-126)), f32x4.splat(126)); // pmin, pmax: an instruction each; min and max take seven
  const n = f32x4.add(bounded, f32x4.splat(WHOLE));
  const f = f32x4.sub(bounded, f32x4.sub(n, f32x4.splat(WHOLE)));
  let p = madd(f32x4.splat(1.5403530393381609e-4), f, f32x4.splat(1.3333558146428443e-3));
  p = madd(p, f, f32x4.splat(9.618129107628477e-3));
  p = madd(p, f, f32x4.splat(5.550410866482158e-2));
  p = madd(p, f, f32x4.splat(0.2402265069591007));
  p = madd(p, f, f32x4.splat(0.6931471805599453));
  p = madd(p, f, f32x4.splat(1));
  const scaled = i32x4.add(p, i32x4.shl(n, 23));
  return v128.and(scaled, f32x4.ge(x, f32x4.splat(-120)));
}
