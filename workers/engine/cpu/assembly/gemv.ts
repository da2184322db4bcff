// y = W·x for one token: eight rows at a time, two sums, no sum across lanes.
// Activations: per block of 32 columns eight words, then (times the unit of weight
// scales, half.ts) scale f32, scale · sum f32, and -sum i32, -sum of the first half i32.
import { NIBBLES } from "./constants";
import { dot, madd, sumsIn16, total, WORD, zero } from "./level";
import { factorHigh, factorLow, scaleHigh, scaleLow, scaleStep } from "./scales";
import { bitsOf, hasMinimum, isSuper, passBytes, passesOf, scaleBytes, stepsOf, superBytes, tileBytes, zeroShift } from "./tile";
import { PLAIN } from "./words";

/** out[8 · groups] = packed rows times one token's activations. `zeroMask` is 0 where 8-bit codes are signed, else -1. */
@inline
export function gemv(layout: i32, mode: i32, weights: usize, groups: i32, blocks: i32, acts: usize, out: usize, zeroMask: i32): void {
  const nibble = i32x4.splat(NIBBLES);
  const bit = bitsOf(layout) == 5 ? i8x16.splat(0x10) : i8x16.splat(0x30);
  let tile = weights;
  for (let g = 0; g < groups; g++) {
    let yA = zero(), yB = zero(); // rows 0-3, 4-7
    let dA = zero(), dB = zero(), eA = zero(), eB = zero(); // factors of scales and minimums
    let a = acts;
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
      touchAhead(layout, tile);
      const meta = a + 8 * WORD;
      let scales = tile + <usize>passesOf(layout) * passBytes(layout);
      for (let pass = 0; pass < passesOf(layout); pass++) {
        let negative = load<i32>(meta, 8);
        if (passesOf(layout) == 2) negative = pass ? negative - load<i32>(meta, 12) : load<i32>(meta, 12);
        let start = zero();
        if (zeroShift(layout) >= 0) start = i32x4.splat(bitsOf(layout) == 8 ? (negative << 7) & zeroMask : negative << zeroShift(layout));
        let cA = sumsIn16(layout) ? zero() : start, cB = cA;
        let pA = zero(), pB = zero();
        if (bitsOf(layout) == 5 || bitsOf(layout) == 6) {
          pA = v128.load(tile + 32 * stepsOf(layout));
          pB = v128.load(tile + 32 * stepsOf(layout) + 16);
        }
        for (let j = 0; j < stepsOf(layout); j++) {
          let loA: v128, loB: v128, hiA: v128, hiB: v128;
          if (bitsOf(layout) == 8) {
            loA = v128.load(tile);
            loB = v128.load(tile, 16);
            hiA = v128.load(tile, 32);
            hiB = v128.load(tile, 48);
            tile += 64;
          } else {
            const nA = v128.load(tile), nB = v128.load(tile, 16);
            loA = v128.and(nA, nibble);
            loB = v128.and(nB, nibble);
            hiA = v128.and(i16x8.shr_u(nA, 4), nibble);
            hiB = v128.and(i16x8.shr_u(nB, 4), nibble);
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
          const ahead = a + <usize>stepsOf(layout) * WORD;
          let x = v128.load32_splat(a);
          if (LEVEL == PLAIN) {
            const byte = i16x8.splat(255);
            cA = dot(layout, mode, x, v128.and(loA, byte), cA);
            cB = dot(layout, mode, x, v128.and(loB, byte), cB);
            x = v128.load32_splat(a, 4);
            cA = dot(layout, mode, x, i16x8.shr_u(loA, 8), cA);
            cB = dot(layout, mode, x, i16x8.shr_u(loB, 8), cB);
            x = v128.load32_splat(ahead);
            cA = dot(layout, mode, x, v128.and(hiA, byte), cA);
            cB = dot(layout, mode, x, v128.and(hiB, byte), cB);
            x = v128.load32_splat(ahead, 4);
            cA = dot(layout, mode, x, i16x8.shr_u(hiA, 8), cA);
            cB = dot(layout, mode, x, i16x8.shr_u(hiB, 8), cB);
          } else {
            cA = dot(layout, mode, x, loA, cA);
            cB = dot(layout, mode, x, loB, cB);
            x = v128.load32_splat(ahead);
            cA = dot(layout, mode, x, hiA, cA);
            cB = dot(layout, mode, x, hiB, cB);
          }
          a += WORD;
        }
        a += <usize>stepsOf(layout) * WORD;
        if (bitsOf(layout) == 5 || bitsOf(layout) == 6) tile += 32;
        const scale = v128.load32_splat(meta);
        yA = madd(f32x4.convert_i32x4_s(total(layout, cA, start)), f32x4.mul(scaleLow(layout, scales, dA), scale), yA);
        yB = madd(f32x4.convert_i32x4_s(total(layout, cB, start)), f32x4.mul(scaleHigh(layout, scales, dB), scale), yB);
        if (hasMinimum(layout)) {
          const least = scales + scaleBytes(layout);
          let sum = v128.load32_splat(meta, 4);
          if (passesOf(layout) == 2) sum = f32x4.mul(f32x4.splat(<f32>-negative), scale);
          const mA = scaleLow(layout, least, eA), mB = scaleHigh(layout, least, eB);
          yA = madd(isSuper(layout) ? f32x4.neg(mA) : mA, sum, yA);
          yB = madd(isSuper(layout) ? f32x4.neg(mB) : mB, sum, yB);
        }
        scales += scaleStep(layout);
      }
      tile += scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
      a += 16;
    }
    v128.store(out, yA);
    v128.store(out, yB, 16);
    out += 32;
  }
}

/**
 * Loads from the lines a few tiles ahead, for nothing: so memory works on more of them at once than the instructions of a
 * tile would ask for. One thread went from 68 to 75 % of the bandwidth of plain reading. Up to TOUCH_BYTES are read over the end.
 */
@inline
function touchAhead(layout: i32, tile: usize): void {
  load<i32>(tile, 768);
  load<i32>(tile, 832);
  load<i32>(tile, 896);
  if (tileBytes(layout) > 192) load<i32>(tile, 960);
  if (tileBytes(layout) > 256) load<i32>(tile, 1024);
}
