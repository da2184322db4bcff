// Y = W·X for a tile of four tokens: eight rows, eight sums. Each output sees the same operations in the same order as in
// gemv.ts, so a token's result has the same bits however many tokens run with it.
// Activations: per block of 32 columns eight words of four tokens each, then the four fields of gemv.ts, four tokens each.
import { NIBBLES } from "./constants";
import { dot, madd, sumsIn16, total, WORD, zero } from "./level";
import { factorHigh, factorLow, scaleHigh, scaleLow, scaleStep } from "./scales";
import { bitsOf, hasMinimum, isSuper, passBytes, passesOf, scaleBytes, stepsOf, superBytes, zeroShift } from "./tile";
import { PLAIN, UNIT } from "./words";

const TOKEN: usize = UNIT * 4; // bytes from one token's outputs to the next one's

/** out[token][8] at a stride of UNIT = eight packed rows times four tokens' activations. */
@inline
export function gemm(layout: i32, mode: i32, tile: usize, blocks: i32, a: usize, out: usize, zeroMask: i32): void {
  const nibble = i32x4.splat(NIBBLES);
  const bit = bitsOf(layout) == 5 ? i8x16.splat(0x10) : i8x16.splat(0x30);
  let yA0 = zero(), yA1 = zero(), yA2 = zero(), yA3 = zero(); // rows 0-3 of tokens 0 to 3
  let yB0 = zero(), yB1 = zero(), yB2 = zero(), yB3 = zero(); // rows 4-7
  let dA = zero(), dB = zero(), eA = zero(), eB = zero(); // factors of scales and minimums
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
    const meta = a + 32 * WORD;
    let scales = tile + <usize>passesOf(layout) * passBytes(layout);
    for (let pass = 0; pass < passesOf(layout); pass++) {
      let negative = zero();
      if (zeroShift(layout) >= 0 || passesOf(layout) == 2) negative = v128.load(meta, 32);
      if (passesOf(layout) == 2) negative = pass ? i32x4.sub(negative, v128.load(meta, 48)) : v128.load(meta, 48);
      let start = zero();
      if (zeroShift(layout) >= 0) start = i32x4.shl(negative, zeroShift(layout));
      if (bitsOf(layout) == 8) start = v128.and(start, i32x4.splat(zeroMask));
      let s0 = i32x4.splat(i32x4.extract_lane(start, 0)), s1 = i32x4.splat(i32x4.extract_lane(start, 1)), s2 = i32x4.splat(i32x4.extract_lane(start, 2)), s3 = i32x4.splat(i32x4.extract_lane(start, 3));
      let cA0 = sumsIn16(layout) ? zero() : s0, cA1 = sumsIn16(layout) ? zero() : s1, cA2 = sumsIn16(layout) ? zero() : s2, cA3 = sumsIn16(layout) ? zero() : s3;
      let cB0 = cA0, cB1 = cA1, cB2 = cA2, cB3 = cA3;
      let pA = zero(), pB = zero(), x: v128;
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
        const ahead = a + 4 * <usize>stepsOf(layout) * WORD;
        if (LEVEL == PLAIN) {
          const byte = i16x8.splat(255);
          let wA = v128.and(loA, byte), wB = v128.and(loB, byte);
          x = v128.load32_splat(a);
          cA0 = dot(layout, mode, x, wA, cA0);
          cB0 = dot(layout, mode, x, wB, cB0);
          x = v128.load32_splat(a, 4);
          cA1 = dot(layout, mode, x, wA, cA1);
          cB1 = dot(layout, mode, x, wB, cB1);
          x = v128.load32_splat(a, 8);
          cA2 = dot(layout, mode, x, wA, cA2);
          cB2 = dot(layout, mode, x, wB, cB2);
          x = v128.load32_splat(a, 12);
          cA3 = dot(layout, mode, x, wA, cA3);
          cB3 = dot(layout, mode, x, wB, cB3);
          wA = i16x8.shr_u(loA, 8);
          wB = i16x8.shr_u(loB, 8);
          x = v128.load32_splat(a, 16);
          cA0 = dot(layout, mode, x, wA, cA0);
          cB0 = dot(layout, mode, x, wB, cB0);
          x = v128.load32_splat(a, 20);
          cA1 = dot(layout, mode, x, wA, cA1);
          cB1 = dot(layout, mode, x, wB, cB1);
          x = v128.load32_splat(a, 24);
          cA2 = dot(layout, mode, x, wA, cA2);
          cB2 = dot(layout, mode, x, wB, cB2);
          x = v128.load32_splat(a, 28);
          cA3 = dot(layout, mode, x, wA, cA3);
          cB3 = dot(layout, mode, x, wB, cB3);
          wA = v128.and(hiA, byte);
          wB = v128.and(hiB, byte);
          x = v128.load32_splat(ahead);
          cA0 = dot(layout, mode, x, wA, cA0);
          cB0 = dot(layout, mode, x, wB, cB0);
          x = v128.load32_splat(ahead, 4);
          cA1 = dot(layout, mode, x, wA, cA1);
          cB1 = dot(layout, mode, x, wB, cB1);
          x = v128.load32_splat(ahead, 8);
          cA2 = dot(layout, mode, x, wA, cA2);
          cB2 = dot(layout, mode, x, wB, cB2);
          x = v128.load32_splat(ahead, 12);
          cA3 = dot(layout, mode, x, wA, cA3);
          cB3 = dot(layout, mode, x, wB, cB3);
          wA = i16x8.shr_u(hiA, 8);
          wB = i16x8.shr_u(hiB, 8);
          x = v128.load32_splat(ahead, 16);
          cA0 = dot(layout, mode, x, wA, cA0);
          cB0 = dot(layout, mode, x, wB, cB0);
          x = v128.load32_splat(ahead, 20);
          cA1 = dot(layout, mode, x, wA, cA1);
          cB1 = dot(layout, mode, x, wB, cB1);
          x = v128.load32_splat(ahead, 24);
          cA2 = dot(layout, mode, x, wA, cA2);
          cB2 = dot(layout, mode, x, wB, cB2);
          x = v128.load32_splat(ahead, 28);
          cA3 = dot(layout, mode, x, wA, cA3);
          cB3 = dot(layout, mode, x, wB, cB3);
        } else {
          x = v128.load32_splat(a);
          cA0 = dot(layout, mode, x, loA, cA0);
          cB0 = dot(layout, mode, x, loB, cB0);
          x = v128.load32_splat(a, 4);
          cA1 = dot(layout, mode, x, loA, cA1);
          cB1 = dot(layout, mode, x, loB, cB1);
          x = v128.load32_splat(a, 8);
          cA2 = dot(layout, mode, x, loA, cA2);
          cB2 = dot(layout, mode, x, loB, cB2);
          x = v128.load32_splat(a, 12);
          cA3 = dot(layout, mode, x, loA, cA3);
          cB3 = dot(layout, mode, x, loB, cB3);
          x = v128.load32_splat(ahead);
          cA0 = dot(layout, mode, x, hiA, cA0);
          cB0 = dot(layout, mode, x, hiB, cB0);
          x = v128.load32_splat(ahead, 4);
          cA1 = dot(layout, mode, x, hiA, cA1);
          cB1 = dot(layout, mode, x, hiB, cB1);
          x = v128.load32_splat(ahead, 8);
          cA2 = dot(layout, mode, x, hiA, cA2);
          cB2 = dot(layout, mode, x, hiB, cB2);
          x = v128.load32_splat(ahead, 12);
          cA3 = dot(layout, mode, x, hiA, cA3);
          cB3 = dot(layout, mode, x, hiB, cB3);
        }
        a += 4 * WORD;
      }
      a += 4 * <usize>stepsOf(layout) * WORD;
      if (bitsOf(layout) == 5 || bitsOf(layout) == 6) tile += 32;
      const sA = scaleLow(layout, scales, dA), sB = scaleHigh(layout, scales, dB);
      x = v128.load32_splat(meta);
      yA0 = madd(f32x4.convert_i32x4_s(total(layout, cA0, s0)), f32x4.mul(sA, x), yA0);
      yB0 = madd(f32x4.convert_i32x4_s(total(layout, cB0, s0)), f32x4.mul(sB, x), yB0);
      x = v128.load32_splat(meta, 4);
      yA1 = madd(f32x4.convert_i32x4_s(total(layout, cA1, s1)), f32x4.mul(sA, x), yA1);
      yB1 = madd(f32x4.convert_i32x4_s(total(layout, cB1, s1)), f32x4.mul(sB, x), yB1);
      x = v128.load32_splat(meta, 8);
      yA2 = madd(f32x4.convert_i32x4_s(total(layout, cA2, s2)), f32x4.mul(sA, x), yA2);
      yB2 = madd(f32x4.convert_i32x4_s(total(layout, cB2, s2)), f32x4.mul(sB, x), yB2);
      x = v128.load32_splat(meta, 12);
      yA3 = madd(f32x4.convert_i32x4_s(total(layout, cA3, s3)), f32x4.mul(sA, x), yA3);
      yB3 = madd(f32x4.convert_i32x4_s(total(layout, cB3, s3)), f32x4.mul(sB, x), yB3);
      if (hasMinimum(layout)) {
        const least = scales + scaleBytes(layout);
        let mA = scaleLow(layout, least, eA), mB = scaleHigh(layout, least, eB);
        if (isSuper(layout)) {
          mA = f32x4.neg(mA);
          mB = f32x4.neg(mB);
        }
        let sums = v128.load(meta, 16);
        if (passesOf(layout) == 2) sums = f32x4.mul(f32x4.convert_i32x4_s(i32x4.neg(negative)), v128.load(meta));
        x = f32x4.splat(f32x4.extract_lane(sums, 0));
        yA0 = madd(mA, x, yA0);
        yB0 = madd(mB, x, yB0);
        x = f32x4.splat(f32x4.extract_lane(sums, 1));
        yA1 = madd(mA, x, yA1);
        yB1 = madd(mB, x, yB1);
        x = f32x4.splat(f32x4.extract_lane(sums, 2));
        yA2 = madd(mA, x, yA2);
        yB2 = madd(mB, x, yB2);
        x = f32x4.splat(f32x4.extract_lane(sums, 3));
        yA3 = madd(mA, x, yA3);
        yB3 = madd(mB, x, yB3);
      }
      scales += scaleStep(layout);
    }
    tile += scaleBytes(layout) * (hasMinimum(layout) ? 2 : 1);
    a += 64;
  }
  v128.store(out + 0 * TOKEN, yA0);
  v128.store(out + 0 * TOKEN, yB0, 16);
  v128.store(out + 1 * TOKEN, yA1);
  v128.store(out + 1 * TOKEN, yB1, 16);
  v128.store(out + 2 * TOKEN, yA2);
  v128.store(out + 2 * TOKEN, yB2, 16);
  v128.store(out + 3 * TOKEN, yA3);
  v128.store(out + 3 * TOKEN, yB3, 16);
}
