// Y = W·X for a tile of four tokens: eight rows, eight sums. Each output sees the same operations in the same order as in
// gemv.ts, so a token's result has the same bits however many tokens run with it.
// Activations: per block of 32 columns eight words of four tokens each, then the four fields of gemv.ts, four tokens each.
import { dot, madd, total, WORD, zero } from "./level";
import { BYTES_SPLIT, BYTES_UNSIGNED, L_Q4_0, L_Q6_K, RELAXED16, UNIT } from "./words";

const TOKEN: usize = UNIT * 4; // bytes from one token's outputs to the next one's

/**
 * out[token][8] at a stride of UNIT = codes (codes.ts) of eight rows times four tokens' activations. `passes`, `minimum`: of the
 * layout. `narrow`: codes of 4 bits; `split`: of 8, read as two nibbles. Codes without minimums have their zero at 1 << `shift`,
 * where `zeroMask` is -1.
 */
@inline
export function gemm(
  passes: i32, minimum: bool, narrow: bool, split: bool, codes: usize, blocks: i32, a: usize, out: usize, shift: i32, zeroMask: i32,
): void {
  const layout = narrow ? L_Q4_0 : L_Q6_K, mode = split ? BYTES_SPLIT : BYTES_UNSIGNED;
  const mask = i32x4.splat(zeroMask);
  for (let token: usize = 0; token < 4; token++) {
    v128.store(out + token * TOKEN, zero());
    v128.store(out + token * TOKEN, zero(), 16);
  }
  for (let b = 0; b < blocks; b++) {
    const meta = a + 32 * WORD;
    for (let pass = 0; pass < passes; pass++) {
      let negative = zero(), s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero(), x: v128;
      if (!minimum || passes == 2) negative = v128.load(meta, 32);
      if (passes == 2) negative = pass ? i32x4.sub(negative, v128.load(meta, 48)) : v128.load(meta, 48);
      if (!minimum) {
        const start = v128.and(i32x4.shl(negative, shift), mask);
        s0 = v128.shuffle<i32>(start, start, 0, 0, 0, 0);
        s1 = v128.shuffle<i32>(start, start, 1, 1, 1, 1);
        s2 = v128.shuffle<i32>(start, start, 2, 2, 2, 2);
        s3 = v128.shuffle<i32>(start, start, 3, 3, 3, 3);
      }
      const in16 = LEVEL == RELAXED16 && narrow;
      let cA0 = in16 ? zero() : s0, cA1 = in16 ? zero() : s1, cA2 = in16 ? zero() : s2, cA3 = in16 ? zero() : s3;
      let cB0 = cA0, cB1 = cA1, cB2 = cA2, cB3 = cA3;
      for (let word = 0; word < 2 * <i32>WORD / passes; word++) {
        const wA = v128.load(codes), wB = v128.load(codes, 16);
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
        codes += 32;
        a += 16;
      }
      const sA = v128.load(codes), sB = v128.load(codes, 16);
      let mA = zero(), mB = zero(), sums = zero();
      if (minimum) {
        mA = v128.load(codes, 32);
        mB = v128.load(codes, 48);
        sums = v128.load(meta, 16);
        if (passes == 2) sums = f32x4.mul(f32x4.convert_i32x4_s(i32x4.neg(negative)), v128.load(meta));
      }
      x = v128.shuffle<i32>(sums, sums, 0, 0, 0, 0);
      put(minimum, out + 0 * TOKEN, total(layout, cA0, s0), total(layout, cB0, s0), sA, sB, v128.load32_splat(meta), mA, mB, x);
      x = v128.shuffle<i32>(sums, sums, 1, 1, 1, 1);
      put(minimum, out + 1 * TOKEN, total(layout, cA1, s1), total(layout, cB1, s1), sA, sB, v128.load32_splat(meta, 4), mA, mB, x);
      x = v128.shuffle<i32>(sums, sums, 2, 2, 2, 2);
      put(minimum, out + 2 * TOKEN, total(layout, cA2, s2), total(layout, cB2, s2), sA, sB, v128.load32_splat(meta, 8), mA, mB, x);
      x = v128.shuffle<i32>(sums, sums, 3, 3, 3, 3);
      put(minimum, out + 3 * TOKEN, total(layout, cA3, s3), total(layout, cB3, s3), sA, sB, v128.load32_splat(meta, 12), mA, mB, x);
      codes += minimum ? 64 : 32;
    }
    a += 64;
  }
}

/** Adds a token's sums of a pass to its outputs, which rest in memory: the registers are for the sums. */
@inline
function put(
  minimum: bool, out: usize, cA: v128, cB: v128, sA: v128, sB: v128, scale: v128, mA: v128, mB: v128, sum: v128,
): void {
  let yA = madd(f32x4.convert_i32x4_s(cA), f32x4.mul(sA, scale), v128.load(out));
  let yB = madd(f32x4.convert_i32x4_s(cB), f32x4.mul(sB, scale), v128.load(out, 16));
  if (minimum) {
    yA = madd(mA, sum, yA);
    yB = madd(mB, sum, yB);
  }
  v128.store(out, yA);
  v128.store(out, yB, 16);
}
