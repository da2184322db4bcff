// How packed weights lie: tiles of eight rows by 32 columns, one after the other along the columns.
//
//   tile    = pass … pass, scales, minimums      one pass of 8 words, or two of 4 where scales are per 16 columns
//   pass    = low planes, high planes            a word is four columns; n words, n / 2 steps
//   low     = per step j: 16 bytes of rows 0-3, 16 of rows 4-7; byte 4r + c is row r, column c of a word:
//             low nibble from word j, high nibble from word j + n / 2. 8-bit codes: words j, then words j + n / 2, as bytes.
//   high    = 5 bits: bit j for word j, bit 4 + j for word j + 4.  6 bits: two bits at 2j, two at 4 + 2j.
//   scales  = eight halves (bias 25), or eight bytes a pass, to be multiplied by the f16 pair before every eighth tile
//
// So a 16-byte vector is four rows by four columns, a dot product leaves a row in each lane, and nothing is summed across.
import {
  L_Q2_K, L_Q3_K, L_Q4_0, L_Q4_1, L_Q4_K, L_Q5_0, L_Q5_1, L_Q5_K, L_Q6_K, L_Q8_0, L_WIDE, L_F16, L_F32, L_BF16,
} from "./words";

@inline
export function isSuper(layout: i32): bool {
  return layout >= L_Q4_K && layout <= L_Q2_K;
}

@inline
export function isFloat(layout: i32): bool {
  return layout >= L_F32;
}

/** Bits of a packed code. */
@inline
export function bitsOf(layout: i32): i32 {
  if (layout == L_Q8_0 || layout == L_WIDE) return 8;
  if (layout == L_Q6_K) return 6;
  if (layout == L_Q5_0 || layout == L_Q5_1 || layout == L_Q5_K) return 5;
  return 4;
}

/** Passes of a tile: 2 where scales are per 16 columns. */
@inline
export function passesOf(layout: i32): i32 {
  return layout == L_Q6_K || layout == L_Q3_K || layout == L_Q2_K || layout == L_WIDE ? 2 : 1;
}

/** Steps of a pass; a step is two words. */
@inline
export function stepsOf(layout: i32): i32 {
  return passesOf(layout) == 2 ? 2 : 4;
}

@inline
export function hasMinimum(layout: i32): bool {
  return layout == L_Q4_1 || layout == L_Q5_1 || layout == L_Q4_K || layout == L_Q5_K || layout == L_Q2_K;
}

/** The zero point is 1 << this; -1 where codes start at 0. */
@inline
export function zeroShift(layout: i32): i32 {
  if (layout == L_Q4_0) return 3;
  if (layout == L_Q5_0) return 4;
  if (layout == L_Q6_K) return 5;
  if (layout == L_Q3_K) return 2;
  if (bitsOf(layout) == 8) return 7;
  return -1;
}

/** Bytes of a pass. */
@inline
export function passBytes(layout: i32): usize {
  const steps = <usize>stepsOf(layout);
  if (bitsOf(layout) == 8) return 64 * steps;
  return bitsOf(layout) == 4 ? 32 * steps : 32 * steps + 32;
}

/** Bytes of the scales of a tile; minimums, where there are any, take as many. */
@inline
export function scaleBytes(layout: i32): usize {
  return (isSuper(layout) ? 8 : 16) * <usize>passesOf(layout);
}

@inline
export function tileBytes(layout: i32): usize {
  return <usize>passesOf(layout) * passBytes(layout) + scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
}

/** Bytes of the f16 factors in front of every eighth tile. */
@inline
export function superBytes(layout: i32): usize {
  return isSuper(layout) ? (hasMinimum(layout) ? 32 : 16) : 0;
}

/** Bytes of eight packed rows. */
export function groupBytes(layout: i32, cols: i32): usize {
  if (layout == L_F32) return <usize>cols * 32;
  if (layout == L_F16 || layout == L_BF16) return <usize>cols * 16;
  const tiles = <usize>cols / 32;
  return tiles * tileBytes(layout) + ((tiles + 7) / 8) * superBytes(layout);
}
