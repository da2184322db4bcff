// Scales and minimums of a tile, four rows at a time. They lack the unit of their bias (half.ts): activations bring it along.
import { widenHigh, widenLow } from "./half";
import { isSuper, passesOf } from "./tile";
import { L_Q2_K, L_Q4_K, L_Q5_K } from "./words";

/** Scales (or minimums) of rows 0 to 3. `factor`: d of these rows. */
@inline
export function scaleLow(layout: i32, at: usize, factor: v128): v128 {
  if (!isSuper(layout)) return widenLow(v128.load(at));
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(bytes(layout, at))), factor);
}

/** The same of rows 4 to 7. */
@inline
export function scaleHigh(layout: i32, at: usize, factor: v128): v128 {
  if (!isSuper(layout)) return widenHigh(v128.load(at));
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(bytes(layout, at))), factor);
}

@inline
function bytes(layout: i32, at: usize): v128 {
  return layout == L_Q4_K || layout == L_Q5_K || layout == L_Q2_K ? v128.load8x8_u(at) : v128.load8x8_s(at);
}

/** f16 factors in front of eight tiles: rows 0 to 3. */
@inline
export function factorLow(at: usize): v128 {
  return widenLow(v128.load(at));
}

@inline
export function factorHigh(at: usize): v128 {
  return widenHigh(v128.load(at));
}

/** Bytes from one pass's scales to the next one's. */
@inline
export function scaleStep(layout: i32): usize {
  return isSuper(layout) ? 8 : 16;
}

/** Whether minimums are per 16 columns, so that the sums of half blocks are needed. */
@inline
export function halfMinimums(layout: i32): bool {
  return passesOf(layout) == 2;
}
