// Eight packed rows as plain codes, for products with many tokens: what costs work to unpack is unpacked once for all of them.
//
//   tile = (codes, scales, minimums) a pass      codes: word by word 16 bytes of rows 0-3, 16 of rows 4-7; at the plain level
//                                                16-bit codes, columns 0 and 2 of a word, then 1 and 3
//                                                scales, minimums: eight floats each, as gemv.ts uses them
import { NIBBLES } from "./constants";
import { WORD } from "./level";
import { factorHigh, factorLow, scaleHigh, scaleLow, scaleStep } from "./scales";
import { bitsOf, hasMinimum, isSuper, passBytes, passesOf, scaleBytes, stepsOf, superBytes } from "./tile";
import { PLAIN } from "./words";

/** Bytes of a word's codes of eight rows. */
const CODES: usize = 8 * WORD;

/** Bytes a pass of so many words takes. */
@inline
export function codeBytes(words: i32, minimum: bool): usize {
  return <usize>words * CODES + (minimum ? 64 : 32);
}

/** Unpacks `blocks` tiles to `to`. */
@inline
export function unpack(layout: i32, tile: usize, blocks: i32, to: usize): void {
  const nibble = i32x4.splat(NIBBLES);
  const bit = bitsOf(layout) == 5 ? i8x16.splat(0x10) : i8x16.splat(0x30);
  const half = <usize>stepsOf(layout) * CODES; // from a word to its partner in the high nibbles
  let dA = i64x2.splat(0), dB = dA, eA = dA, eB = dA;
  for (let b = 0; b < blocks; b++) {
    if (isSuper(layout) && !(b & 7)) {
      dA = factorLow(tile);
      dB = factorHigh(tile);
      if (hasMinimum(layout)) {
        eA = factorLow(tile + 16);
        eB = factorHigh(tile + 16);
      }
      tile += superBytes(layout);
    }
    let scales = tile + <usize>passesOf(layout) * passBytes(layout);
    for (let pass = 0; pass < passesOf(layout); pass++) {
      let pA = i64x2.splat(0), pB = pA;
      if (bitsOf(layout) == 5 || bitsOf(layout) == 6) {
        pA = v128.load(tile + 32 * stepsOf(layout));
        pB = v128.load(tile + 32 * stepsOf(layout), 16);
      }
      for (let j = 0; j < stepsOf(layout); j++) {
        const wA = v128.load(tile), wB = v128.load(tile, 16);
        let loA = wA, loB = wB, hiA: v128, hiB: v128;
        if (bitsOf(layout) == 8) {
          hiA = v128.load(tile, 32);
          hiB = v128.load(tile, 48);
          tile += 64;
        } else {
          loA = v128.and(wA, nibble);
          loB = v128.and(wB, nibble);
          hiA = v128.and(i16x8.shr_u(wA, 4), nibble);
          hiB = v128.and(i16x8.shr_u(wB, 4), nibble);
          if (bitsOf(layout) != 4) {
            loA = v128.or(loA, v128.and(i16x8.shl(pA, 4), bit));
            loB = v128.or(loB, v128.and(i16x8.shl(pB, 4), bit));
            hiA = v128.or(hiA, v128.and(pA, bit));
            hiB = v128.or(hiB, v128.and(pB, bit));
            pA = i16x8.shr_u(pA, bitsOf(layout) - 4);
            pB = i16x8.shr_u(pB, bitsOf(layout) - 4);
          }
          tile += 32;
        }
        put(to, loA, loB);
        put(to + half, hiA, hiB);
        to += CODES;
      }
      to += half;
      if (bitsOf(layout) == 5 || bitsOf(layout) == 6) tile += 32;
      v128.store(to, scaleLow(layout, scales, dA));
      v128.store(to, scaleHigh(layout, scales, dB), 16);
      if (hasMinimum(layout)) {
        const least = scales + scaleBytes(layout);
        const mA = scaleLow(layout, least, eA), mB = scaleHigh(layout, least, eB);
        v128.store(to, isSuper(layout) ? f32x4.neg(mA) : mA, 32);
        v128.store(to, isSuper(layout) ? f32x4.neg(mB) : mB, 48);
      }
      to += hasMinimum(layout) ? 64 : 32;
      scales += scaleStep(layout);
    }
    tile += scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
  }
}

@inline
function put(to: usize, a: v128, b: v128): void {
  if (LEVEL == PLAIN) {
    const byte = i16x8.splat(255);
    v128.store(to, v128.and(a, byte));
    v128.store(to, v128.and(b, byte), 16);
    v128.store(to, i16x8.shr_u(a, 8), 32);
    v128.store(to, i16x8.shr_u(b, 8), 48);
  } else {
    v128.store(to, a);
    v128.store(to, b, 16);
  }
}
