// 16-bit floats of our own bias: sign, 5 bits of exponent, 10 of mantissa, and neither denormals nor infinities, which
// cost a hundred cycles apiece on many processors. A value is (1 + mantissa / 1024) · 2^(exponent - bias), zero is 0.
//   scales (bias 25): hold every f16 below 128 exactly, f16 denormals included.
//   keys and values (bias 20): 2^-19 to 4094, smaller ones become zero, larger ones saturate. Their bits lie as sign, the last
//   three of the mantissa, exponent, the others of the mantissa: so they widen without a shift, which the units that multiply
//   would have to do.

import { CACHE_LOWER, CACHE_UPPER, HALF_BITS } from "./constants";

/** Decoded bits times this are the value: 2^(127 - bias). */
export const SCALE_UNIT: f32 = reinterpret<f32>((127 + 127 - 25) << 23);
export const CACHE_UNIT: f32 = reinterpret<f32>((127 + 127 - 20) << 23);
const CACHE_SHRINK: f32 = reinterpret<f32>((127 + 20 - 127) << 23);

/** Eight halves to the bits of floats, to be multiplied by the unit of their bias: lanes 0 to 3. */
@inline
export function widenLow(halves: v128): v128 {
  return v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(halves), 13), i32x4.splat(HALF_BITS));
}

/** The same, lanes 4 to 7. */
@inline
export function widenHigh(halves: v128): v128 {
  return v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(halves), 13), i32x4.splat(HALF_BITS));
}

@inline
export function widen(half: u32): f32 {
  return reinterpret<f32>(((half & 0x8000) << 16) | ((half & 0x7fff) << 13));
}

/** Masks of cachedLow and cachedHigh, to be made before a loop. */
@inline
export function cacheUpper(): v128 {
  return i32x4.splat(CACHE_UPPER);
}

@inline
export function cacheLower(): v128 {
  return i32x4.splat(CACHE_LOWER);
}

/** Eight keys or values to the bits of floats, to be multiplied by CACHE_UNIT: lanes 0 to 3. */
@inline
export function cachedLow(halves: v128, upper: v128, lower: v128): v128 {
  const ends = v128.and(i16x8.add(halves, halves), lower);
  return i16x8.shuffle(ends, v128.and(halves, upper), 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The same, lanes 4 to 7. */
@inline
export function cachedHigh(halves: v128, upper: v128, lower: v128): v128 {
  const ends = v128.and(i16x8.add(halves, halves), lower);
  return i16x8.shuffle(ends, v128.and(halves, upper), 4, 12, 5, 13, 6, 14, 7, 15);
}

/** A key or value as a half of bias 20, rounded to nearest even. */
@inline
export function toCache(value: f32): u32 {
  const bits = reinterpret<u32>(min<f32>(abs(value), 4094.0) * CACHE_SHRINK);
  const half = (bits + 0xfff + ((bits >> 13) & 1)) >> 13;
  return half < 0x400 ? 0 : (half >> 3) | ((half & 7) << 12) | ((reinterpret<u32>(value) >> 16) & 0x8000);
}

/** An f16 as a half of bias 25; 0xffffffff where it is 128 or more. */
export function toScale(half: u32): u32 {
  const sign = half & 0x8000;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent > 21) return 0xffffffff;
  if (exponent) return sign | ((exponent + 10) << 10) | mantissa;
  if (!mantissa) return sign;
  const top = 31 - clz(mantissa);
  return sign | ((top + 1) << 10) | ((mantissa << (10 - top)) & 1023);
}
