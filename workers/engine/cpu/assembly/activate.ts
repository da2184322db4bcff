// Activations on their way into a product: RMSNorm, int8 blocks with their scale and sums, SiLU.
import { WORD } from "./level";
import { exp2 } from "./exp";
import { SCALE_UNIT } from "./half";
import { PLAIN } from "./words";

/** Bytes a block of 32 activations takes, per token. */
export const BLOCK: usize = 8 * WORD + 16;

/** Factor of RMSNorm: 1 / sqrt(mean(x²) + epsilon). */
export function rms(x: usize, cols: i32, epsilon: f32): f32 {
  let s0 = f32x4.splat(0), s1 = s0;
  let k = 0;
  for (; k + 8 <= cols; k += 8) {
    const a = v128.load(x), b = v128.load(x, 16);
    s0 = f32x4.add(s0, f32x4.mul(a, a));
    s1 = f32x4.add(s1, f32x4.mul(b, b));
    x += 32;
  }
  let sum = sumOf(f32x4.add(s0, s1));
  for (; k < cols; k++) {
    const v = load<f32>(x);
    sum += v * v;
    x += 4;
  }
  return 1 / sqrt<f32>(sum / <f32>cols + epsilon);
}

@inline
export function sumOf(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

@inline
export function maxOf(v: v128): f32 {
  return max(max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

/** x[i] · factor · weight[i]; no weight: x[i]. Four of them. */
@inline
export function normed(x: usize, weight: usize, factor: v128, i: usize): v128 {
  const v = v128.load(x + i);
  return weight ? f32x4.mul(f32x4.mul(v, factor), v128.load(weight + i)) : v;
}

/**
 * Quantizes 32 floats, already times 1, of lane `lane` of `lanes` tokens into block `out`: scale = amax / 127, nearest even.
 */
export function quantizeBlock(v: usize, out: usize, lane: usize, lanes: usize): void {
  const f0 = v128.load(v), f1 = v128.load(v, 16), f2 = v128.load(v, 32), f3 = v128.load(v, 48);
  const f4 = v128.load(v, 64), f5 = v128.load(v, 80), f6 = v128.load(v, 96), f7 = v128.load(v, 112);
  const m0 = f32x4.max(f32x4.max(f32x4.abs(f0), f32x4.abs(f1)), f32x4.max(f32x4.abs(f2), f32x4.abs(f3)));
  const m1 = f32x4.max(f32x4.max(f32x4.abs(f4), f32x4.abs(f5)), f32x4.max(f32x4.abs(f6), f32x4.abs(f7)));
  const most = maxOf(f32x4.max(m0, m1));
  const scale = most / 127;
  const inverse = f32x4.splat(most > 1e-30 ? <f32>127 / most : 0); // 127 / most has to stay finite
  const a = i16x8.narrow_i32x4_s(round(f0, inverse), round(f1, inverse));
  const b = i16x8.narrow_i32x4_s(round(f2, inverse), round(f3, inverse));
  const c = i16x8.narrow_i32x4_s(round(f4, inverse), round(f5, inverse));
  const d = i16x8.narrow_i32x4_s(round(f6, inverse), round(f7, inverse));
  let at = out + lane * 4;
  const step = lanes * 4;
  if (LEVEL == PLAIN) {
    at = storeHalfwords(a, at, step);
    at = storeHalfwords(b, at, step);
    at = storeHalfwords(c, at, step);
    storeHalfwords(d, at, step);
  } else {
    const lo = i8x16.narrow_i16x8_s(a, b), hi = i8x16.narrow_i16x8_s(c, d);
    at = storeWords(lo, at, step);
    storeWords(hi, at, step);
  }
  const first = totalOf(i16x8.add(a, b)), both = first + totalOf(i16x8.add(c, d));
  const meta = out + lanes * 8 * WORD + lane * 4;
  store<f32>(meta, scale * SCALE_UNIT);
  store<f32>(meta + step, scale * <f32>both * SCALE_UNIT);
  store<i32>(meta + 2 * step, -both);
  store<i32>(meta + 3 * step, -first);
}

@inline
function round(v: v128, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v, inverse)));
}

@inline
function totalOf(v: v128): i32 {
  const s = i32x4.extadd_pairwise_i16x8_s(v);
  return i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1) + i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3);
}

/** Four words of int8. */
@inline
function storeWords(v: v128, at: usize, step: usize): usize {
  v128.store32_lane(at, v, 0);
  v128.store32_lane(at + step, v, 1);
  v128.store32_lane(at + 2 * step, v, 2);
  v128.store32_lane(at + 3 * step, v, 3);
  return at + 4 * step;
}

/** Two words of int16: columns 0 and 2 of each first, then 1 and 3. */
@inline
function storeHalfwords(v: v128, at: usize, step: usize): usize {
  const mixed = v128.shuffle<i16>(v, v, 0, 2, 1, 3, 4, 6, 5, 7);
  v128.store32_lane(at, mixed, 0);
  v128.store32_lane(at + step, mixed, 1);
  v128.store32_lane(at + 2 * step, mixed, 2);
  v128.store32_lane(at + 3 * step, mixed, 3);
  return at + 4 * step;
}

/** silu(g) · u = g / (1 + e^-g) · u. */
@inline
export function siluTimes(g: v128, u: v128): v128 {
  const e = exp2(f32x4.mul(g, f32x4.splat(-1.4426950408889634)));
  return f32x4.mul(f32x4.div(g, f32x4.add(f32x4.splat(1), e)), u);
}
