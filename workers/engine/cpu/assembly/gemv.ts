// y = W·x for one token: eight rows at a time, two sums, no sum across lanes.
// One core waits for memory unless several prefetchers run ahead for it, each in a page of its own. So the rows are read as STREAMS
// streams, far apart, two tiles of each in turn: 10.9 GB/s where one stream gave 7.4 and reading alone 11.4 (94 MB, one thread).
// Activations: per block of 32 columns eight words, then (times the unit of weight scales, half.ts) scale f32 and
// scale · sum f32, and -sum i32, -sum of the first half i32.
import { NIBBLES } from "./constants";
import { dot, madd, sumsIn16, total, WORD, zero } from "./level";
import { factorHigh, factorLow, scaleHigh, scaleLow, scaleStep } from "./scales";
import { bitsOf, hasMinimum, isSuper, passBytes, passesOf, scaleBytes, stepsOf, superBytes, tileBytes, zeroShift } from "./tile";
import { PLAIN } from "./words";

const STREAMS: i32 = 8;
/** Tiles of a stream before the next stream has its turn; where eight share factors, those eight. */
const TURN: i32 = 2;

/**
 * out[8 · groups] = packed rows times one token's activations; a group takes `stride` bytes. `zeroMask` is 0 where 8-bit codes
 * are signed, else -1.
 */
@inline
export function gemv(
  layout: i32, mode: i32, weights: usize, stride: usize, groups: i32, blocks: i32, acts: usize, out: usize, zeroMask: i32,
): void {
  const nibble = i32x4.splat(NIBBLES);
  const bit = bitsOf(layout) == 5 ? i8x16.splat(0x10) : i8x16.splat(0x30);
  const length = (groups + STREAMS - 1) / STREAMS; // groups of a stream; the last stream may have fewer
  const far = <usize>length * stride, turn = isSuper(layout) ? 8 : TURN;
  const turnBytes = <usize>turn * tileBytes(layout) + superBytes(layout);
  memory.fill(out, 0, <usize>groups << 5);
  for (let first = 0; first < length; first++) {
    let start = weights + <usize>first * stride, a0 = acts;
    for (let b = 0; b < blocks; b += turn) {
      const end = a0 + <usize>min<i32>(turn, blocks - b) * (8 * WORD + 16);
      let begin = start;
      for (let g = first; g < groups; g += length) {
        let tile = begin, a = a0;
        const y = out + (<usize>g << 5);
        let yA = v128.load(y), yB = v128.load(y, 16);
        let dA = zero(), dB = zero(), eA = zero(), eB = zero(); // factors of scales and of minimums
        if (isSuper(layout)) {
          dA = factorLow(tile);
          dB = factorHigh(tile);
          if (hasMinimum(layout)) {
            eA = factorLow(tile + 16);
            eB = factorHigh(tile + 16);
          }
          tile += superBytes(layout);
        }
        for (; a < end; a += 16) {
          const meta = a + 8 * WORD;
          let scales = tile + <usize>passesOf(layout) * passBytes(layout);
          for (let pass = 0; pass < passesOf(layout); pass++) {
            let negative = 0, c0 = zero();
            if (zeroShift(layout) >= 0 || passesOf(layout) == 2) negative = load<i32>(meta, 8);
            if (passesOf(layout) == 2) negative = pass ? negative - load<i32>(meta, 12) : load<i32>(meta, 12);
            if (zeroShift(layout) >= 0) c0 = i32x4.splat(bitsOf(layout) == 8 ? (negative << 7) & zeroMask : negative << zeroShift(layout));
            let cA = sumsIn16(layout) ? zero() : c0, cB = cA, pA = zero(), pB = zero();
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
              let x = v128.load32_splat(a);
              if (LEVEL == PLAIN) {
                const byte = i16x8.splat(255);
                cA = dot(layout, mode, x, v128.and(loA, byte), cA);
                cB = dot(layout, mode, x, v128.and(loB, byte), cB);
                x = v128.load32_splat(a, 4);
                cA = dot(layout, mode, x, i16x8.shr_u(loA, 8), cA);
                cB = dot(layout, mode, x, i16x8.shr_u(loB, 8), cB);
                x = ahead(layout, a);
                cA = dot(layout, mode, x, v128.and(hiA, byte), cA);
                cB = dot(layout, mode, x, v128.and(hiB, byte), cB);
                x = ahead(layout, a + 4);
                cA = dot(layout, mode, x, i16x8.shr_u(hiA, 8), cA);
                cB = dot(layout, mode, x, i16x8.shr_u(hiB, 8), cB);
              } else {
                cA = dot(layout, mode, x, loA, cA);
                cB = dot(layout, mode, x, loB, cB);
                x = ahead(layout, a);
                cA = dot(layout, mode, x, hiA, cA);
                cB = dot(layout, mode, x, hiB, cB);
              }
              a += WORD;
            }
            a += <usize>stepsOf(layout) * WORD;
            if (bitsOf(layout) == 5 || bitsOf(layout) == 6) tile += 32;
            const scale = v128.load32_splat(meta);
            yA = madd(f32x4.convert_i32x4_s(total(layout, cA, c0)), f32x4.mul(scaleLow(layout, scales, dA), scale), yA);
            yB = madd(f32x4.convert_i32x4_s(total(layout, cB, c0)), f32x4.mul(scaleHigh(layout, scales, dB), scale), yB);
            if (hasMinimum(layout)) {
              const least = scales + scaleBytes(layout);
              let sum = v128.load32_splat(meta, 4);
              if (passesOf(layout) == 2) sum = f32x4.mul(f32x4.splat(<f32>-negative), scale);
              if (isSuper(layout)) sum = f32x4.neg(sum);
              yA = madd(scaleLow(layout, least, eA), sum, yA);
              yB = madd(scaleHigh(layout, least, eB), sum, yB);
            }
            scales += scaleStep(layout);
          }
          tile += scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
        }
        v128.store(y, yA);
        v128.store(y, yB, 16);
        begin += far;
      }
      start += turnBytes;
      a0 = end;
    }
  }
}

/** The word that goes with the high halves of a step. */
@inline
function ahead(layout: i32, a: usize): v128 {
  return stepsOf(layout) == 2 ? v128.load32_splat(a, 2 * WORD) : v128.load32_splat(a, 4 * WORD);
}
