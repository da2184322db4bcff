// y = W·x for one token: two groups of eight rows at a time, four sums, no sum across lanes.
// Two groups are two streams for the memory: one thread reads two a quarter faster than one (13.4 and 10.9 GB/s).
// Activations: per block of 32 columns eight words, then (times the unit of weight scales, half.ts) scale f32 and
// scale · sum f32, and -sum i32, -sum of the first half i32.
import { NIBBLES } from "./constants";
import { dot, madd, sumsIn16, total, WORD, zero } from "./level";
import { factorHigh, factorLow, scaleHigh, scaleLow, scaleStep } from "./scales";
import { bitsOf, hasMinimum, isSuper, passBytes, passesOf, scaleBytes, stepsOf, superBytes, zeroShift } from "./tile";
import { PLAIN } from "./words";

/**
 * out[8 · groups] = packed rows times one token's activations; a group takes `stride` bytes. `zeroMask` is 0 where 8-bit codes
 * are signed, else -1. Quads of rows: A and B of a group, C and D of the next; an odd last group is computed twice, stored once.
 */
@inline
export function gemv(
  layout: i32, mode: i32, weights: usize, stride: usize, groups: i32, blocks: i32, acts: usize, out: usize, zeroMask: i32,
): void {
  const nibble = i32x4.splat(NIBBLES);
  const bit = bitsOf(layout) == 5 ? i8x16.splat(0x10) : i8x16.splat(0x30);
  for (let g = 0; g < groups; g += 2) {
    const apart = g + 1 < groups ? stride : 0;
    let yA = zero(), yB = zero(), yC = zero(), yD = zero();
    let dA = zero(), dB = zero(), dC = zero(), dD = zero(); // factors of scales
    let eA = zero(), eB = zero(), eC = zero(), eD = zero(); // and of minimums
    let tile = weights + <usize>g * stride, a = acts;
    for (let b = 0; b < blocks; b++) {
      if (isSuper(layout) && !(b & 7)) {
        dA = factorLow(tile);
        dB = factorHigh(tile);
        dC = factorLow(tile + apart);
        dD = factorHigh(tile + apart);
        if (hasMinimum(layout)) {
          eA = factorLow(tile + 16);
          eB = factorHigh(tile + 16);
          eC = factorLow(tile + apart + 16);
          eD = factorHigh(tile + apart + 16);
        }
        tile += superBytes(layout);
      }
      const meta = a + 8 * WORD;
      let scales = tile + <usize>passesOf(layout) * passBytes(layout);
      for (let pass = 0; pass < passesOf(layout); pass++) {
        let negative = load<i32>(meta, 8);
        if (passesOf(layout) == 2) negative = pass ? negative - load<i32>(meta, 12) : load<i32>(meta, 12);
        let start = zero();
        if (zeroShift(layout) >= 0) start = i32x4.splat(bitsOf(layout) == 8 ? (negative << 7) & zeroMask : negative << zeroShift(layout));
        let cA = sumsIn16(layout) ? zero() : start, cB = cA, cC = cA, cD = cA;
        let pA = zero(), pB = zero(), pC = zero(), pD = zero();
        if (bitsOf(layout) == 5 || bitsOf(layout) == 6) {
          const planes = tile + 32 * stepsOf(layout);
          pA = v128.load(planes);
          pB = v128.load(planes, 16);
          pC = v128.load(planes + apart);
          pD = v128.load(planes + apart, 16);
        }
        for (let j = 0; j < stepsOf(layout); j++) {
          const next = tile + apart, ahead = a + <usize>stepsOf(layout) * WORD;
          const wA = v128.load(tile);
          const wB = v128.load(tile, 16);
          const wC = v128.load(next);
          const wD = v128.load(next, 16);
          let loA = wA, loB = wB, loC = wC, loD = wD, hiA: v128, hiB: v128, hiC: v128, hiD: v128;
          if (bitsOf(layout) == 8) {
            hiA = v128.load(tile, 32);
            hiB = v128.load(tile, 48);
            hiC = v128.load(next, 32);
            hiD = v128.load(next, 48);
            tile += 64;
          } else {
            loA = v128.and(wA, nibble);
            loB = v128.and(wB, nibble);
            loC = v128.and(wC, nibble);
            loD = v128.and(wD, nibble);
            hiA = v128.and(i16x8.shr_u(wA, 4), nibble);
            hiB = v128.and(i16x8.shr_u(wB, 4), nibble);
            hiC = v128.and(i16x8.shr_u(wC, 4), nibble);
            hiD = v128.and(i16x8.shr_u(wD, 4), nibble);
            if (bitsOf(layout) != 4) {
              loA = v128.or(loA, v128.and(i16x8.shl(pA, 4), bit));
              loB = v128.or(loB, v128.and(i16x8.shl(pB, 4), bit));
              loC = v128.or(loC, v128.and(i16x8.shl(pC, 4), bit));
              loD = v128.or(loD, v128.and(i16x8.shl(pD, 4), bit));
              hiA = v128.or(hiA, v128.and(pA, bit));
              hiB = v128.or(hiB, v128.and(pB, bit));
              hiC = v128.or(hiC, v128.and(pC, bit));
              hiD = v128.or(hiD, v128.and(pD, bit));
              pA = i16x8.shr_u(pA, bitsOf(layout) - 4);
              pB = i16x8.shr_u(pB, bitsOf(layout) - 4);
              pC = i16x8.shr_u(pC, bitsOf(layout) - 4);
              pD = i16x8.shr_u(pD, bitsOf(layout) - 4);
            }
            tile += 32;
          }
          let x = v128.load32_splat(a);
          if (LEVEL == PLAIN) {
            const byte = i16x8.splat(255);
            cA = dot(layout, mode, x, v128.and(loA, byte), cA);
            cB = dot(layout, mode, x, v128.and(loB, byte), cB);
            cC = dot(layout, mode, x, v128.and(loC, byte), cC);
            cD = dot(layout, mode, x, v128.and(loD, byte), cD);
            x = v128.load32_splat(a, 4);
            cA = dot(layout, mode, x, i16x8.shr_u(loA, 8), cA);
            cB = dot(layout, mode, x, i16x8.shr_u(loB, 8), cB);
            cC = dot(layout, mode, x, i16x8.shr_u(loC, 8), cC);
            cD = dot(layout, mode, x, i16x8.shr_u(loD, 8), cD);
            x = v128.load32_splat(ahead);
            cA = dot(layout, mode, x, v128.and(hiA, byte), cA);
            cB = dot(layout, mode, x, v128.and(hiB, byte), cB);
            cC = dot(layout, mode, x, v128.and(hiC, byte), cC);
            cD = dot(layout, mode, x, v128.and(hiD, byte), cD);
            x = v128.load32_splat(ahead, 4);
            cA = dot(layout, mode, x, i16x8.shr_u(hiA, 8), cA);
            cB = dot(layout, mode, x, i16x8.shr_u(hiB, 8), cB);
            cC = dot(layout, mode, x, i16x8.shr_u(hiC, 8), cC);
            cD = dot(layout, mode, x, i16x8.shr_u(hiD, 8), cD);
          } else {
            cA = dot(layout, mode, x, loA, cA);
            cB = dot(layout, mode, x, loB, cB);
            cC = dot(layout, mode, x, loC, cC);
            cD = dot(layout, mode, x, loD, cD);
            x = v128.load32_splat(ahead);
            cA = dot(layout, mode, x, hiA, cA);
            cB = dot(layout, mode, x, hiB, cB);
            cC = dot(layout, mode, x, hiC, cC);
            cD = dot(layout, mode, x, hiD, cD);
          }
          a += WORD;
        }
        a += <usize>stepsOf(layout) * WORD;
        if (bitsOf(layout) == 5 || bitsOf(layout) == 6) tile += 32;
        const scale = v128.load32_splat(meta), following = scales + apart;
        yA = madd(f32x4.convert_i32x4_s(total(layout, cA, start)), f32x4.mul(scaleLow(layout, scales, dA), scale), yA);
        yB = madd(f32x4.convert_i32x4_s(total(layout, cB, start)), f32x4.mul(scaleHigh(layout, scales, dB), scale), yB);
        yC = madd(f32x4.convert_i32x4_s(total(layout, cC, start)), f32x4.mul(scaleLow(layout, following, dC), scale), yC);
        yD = madd(f32x4.convert_i32x4_s(total(layout, cD, start)), f32x4.mul(scaleHigh(layout, following, dD), scale), yD);
        if (hasMinimum(layout)) {
          const least = scales + scaleBytes(layout);
          let sum = v128.load32_splat(meta, 4);
          if (passesOf(layout) == 2) sum = f32x4.mul(f32x4.splat(<f32>-negative), scale);
          if (isSuper(layout)) sum = f32x4.neg(sum);
          yA = madd(scaleLow(layout, least, eA), sum, yA);
          yB = madd(scaleHigh(layout, least, eB), sum, yB);
          yC = madd(scaleLow(layout, least + apart, eC), sum, yC);
          yD = madd(scaleHigh(layout, least + apart, eD), sum, yD);
        }
        scales += scaleStep(layout);
      }
      tile += scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
      a += 16;
    }
    v128.store(out, yA);
    v128.store(out, yB, 16);
    if (apart) {
      v128.store(out, yC, 32);
      v128.store(out, yD, 48);
    }
    out += 64;
  }
}
