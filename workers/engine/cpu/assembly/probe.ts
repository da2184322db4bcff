// Finds out what this machine's instructions do, and how fast memory is.
import { dot, madd, zero } from "./level";
import { BYTES_SIGNED, BYTES_SPLIT, BYTES_UNSIGNED, L_Q4_0, L_Q6_K, L_Q8_0, PLAIN } from "./words";

/** -1 where the level's dot product is wrong on this machine, else how it may read 8-bit codes (BYTES_*). */
export function probe(): i32 {
  if (LEVEL == PLAIN) return BYTES_UNSIGNED;
  for (let code = 0; code < 128; code++) {
    for (let x = -127; x <= 127; x++) {
      if (!same(code, x, 63, BYTES_UNSIGNED, L_Q6_K)) return -1;
      if (!same(code, x, 15, BYTES_UNSIGNED, L_Q4_0)) return -1;
      if (!same(code, x, 255, BYTES_SPLIT, L_Q8_0)) return -1;
    }
  }
  if (bytes(1)) return BYTES_UNSIGNED;
  if (bytes(0)) return BYTES_SIGNED;
  return BYTES_SPLIT;
}

/** Whether eight words of mixed codes, up to `mask`, times mixed activations around x give their exact sums. */
function same(code: i32, x: i32, mask: i32, mode: i32, layout: i32): bool {
  const w = i8x16.add(i8x16.splat(<i8>code), v128(0, 1, 2, 3, 40, 80, 120, 127, 7, 63, 31, 15, 96, 97, 98, 99));
  const codes = v128.and(w, i8x16.splat(<i8>mask));
  const xs = v128.xor(i8x16.splat(<i8>x), i32x4.splat(code & 1 ? 0 : -0x01000100));
  return equal(codes, i8x16.max_s(xs, i8x16.splat(-127)), mode, layout, false);
}

function bytes(unsigned: i32): bool {
  for (let code = 0; code < 256; code++) {
    for (let x = -127; x <= 127; x += 2) {
      const codes = i8x16.add(i8x16.splat(<i8>code), v128(0, -1, 0, -2, -128, -128, 127, 127, 0, 1, -1, -1, 64, 65, 66, 67));
      if (!equal(codes, i8x16.splat(<i8>x), BYTES_UNSIGNED, L_Q8_0, !unsigned)) return false;
    }
  }
  return true;
}

/** One word against plain SIMD, from a start that shows a dropped addend. */
function equal(codes: v128, x: v128, mode: i32, layout: i32, signed: bool): bool {
  const start = i32x4.splat(-1000003);
  // The 16-bit sum of a 4-bit layout starts at 0 and is widened by the caller.
  let found: v128;
  if (layout == L_Q4_0) found = wide4(x, codes, start);
  else if (mode == BYTES_SPLIT) found = dot(L_Q8_0, BYTES_SPLIT, x, codes, start);
  else found = dot(L_Q6_K, BYTES_UNSIGNED, x, codes, start);
  const wl = signed ? i16x8.extend_low_i8x16_s(codes) : i16x8.extend_low_i8x16_u(codes);
  const wh = signed ? i16x8.extend_high_i8x16_s(codes) : i16x8.extend_high_i8x16_u(codes);
  const pl = i32x4.dot_i16x8_s(wl, i16x8.extend_low_i8x16_s(x)), ph = i32x4.dot_i16x8_s(wh, i16x8.extend_high_i8x16_s(x));
  const even = v128.shuffle<i32>(pl, ph, 0, 2, 4, 6), odd = v128.shuffle<i32>(pl, ph, 1, 3, 5, 7);
  return !v128.any_true(v128.xor(found, i32x4.add(start, i32x4.add(even, odd))));
}

@inline
function wide4(x: v128, codes: v128, start: v128): v128 {
  if (LEVEL == 2) return i32x4.add(start, i32x4.extadd_pairwise_i16x8_s(dot(L_Q4_0, BYTES_UNSIGNED, x, codes, zero())));
  return dot(L_Q4_0, BYTES_UNSIGNED, x, codes, start);
}

/** Reads memory as fast as it comes: the bandwidth kernels are measured against. */
export function readAll(at: usize, bytes: usize): i32 {
  let a = zero(), b = zero(), c = zero(), d = zero();
  for (const end = at + bytes; at < end; at += 128) {
    a = v128.xor(v128.xor(a, v128.load(at)), v128.load(at, 64));
    b = v128.xor(v128.xor(b, v128.load(at, 16)), v128.load(at, 80));
    c = v128.xor(v128.xor(c, v128.load(at, 32)), v128.load(at, 96));
    d = v128.xor(v128.xor(d, v128.load(at, 48)), v128.load(at, 112));
  }
  return i32x4.extract_lane(v128.xor(v128.xor(a, b), v128.xor(c, d)), 0);
}

/** Nothing but dot products, 8 · `times` of them: the rate no product can pass. */
export function dotAll(times: i32): i32 {
  const x = i8x16.splat(<i8>times), w = v128.and(x, i8x16.splat(15));
  let a = zero(), b = zero(), c = zero(), d = zero(), e = zero(), f = zero(), g = zero(), h = zero();
  for (let i = 0; i < times; i++) {
    a = dot(L_Q6_K, BYTES_UNSIGNED, x, w, a);
    b = dot(L_Q6_K, BYTES_UNSIGNED, x, w, b);
    c = dot(L_Q6_K, BYTES_UNSIGNED, x, w, c);
    d = dot(L_Q6_K, BYTES_UNSIGNED, x, w, d);
    e = dot(L_Q6_K, BYTES_UNSIGNED, x, w, e);
    f = dot(L_Q6_K, BYTES_UNSIGNED, x, w, f);
    g = dot(L_Q6_K, BYTES_UNSIGNED, x, w, g);
    h = dot(L_Q6_K, BYTES_UNSIGNED, x, w, h);
  }
  const sum = i32x4.add(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)), i32x4.add(i32x4.add(e, f), i32x4.add(g, h)));
  return i32x4.extract_lane(sum, 0);
}
