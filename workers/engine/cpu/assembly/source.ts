// The blocks of a GGUF file as vectors of codes, and their scales. Source: ggml/src/ggml-common.h, ggml-quants.c.
import { toScale } from "./half";
import { isSuper, passesOf } from "./tile";
import {
  C_FAULT, L_Q2_K, L_Q3_K, L_Q4_0, L_Q4_1, L_Q4_K, L_Q5_0, L_Q5_1, L_Q5_K, L_Q6_K, L_Q8_0, L_WIDE,
} from "./words";

/** Bytes of a block of 32 weights, or of 256 where the format has superblocks. */
@inline
export function sourceBytes(layout: i32): usize {
  if (layout == L_Q4_0) return 18;
  if (layout == L_Q4_1) return 20;
  if (layout == L_Q5_0) return 22;
  if (layout == L_Q5_1) return 24;
  if (layout == L_Q8_0) return 34;
  if (layout == L_WIDE) return 36; // ours, of requantize.ts: two halves of bias 25, 32 int8
  if (layout == L_Q4_K) return 144;
  if (layout == L_Q5_K) return 176;
  if (layout == L_Q6_K) return 210;
  return layout == L_Q3_K ? 110 : 84; // Q2_K
}

/** Codes k in the low nibble of byte k and 16 + k in the high one: of tile `tile` of a block, or of all of a small block. */
@inline
export function nibblePairs(layout: i32, block: usize, tile: i32): v128 {
  if (layout == L_Q4_0) return v128.load(block + 2);
  if (layout == L_Q4_1) return v128.load(block + 4);
  if (layout == L_Q5_0) return v128.load(block + 6);
  if (layout == L_Q5_1) return v128.load(block + 8);
  const low = block + (layout == L_Q4_K ? 16 : 48) + 32 * (tile >> 1);
  const a = v128.load(low), b = v128.load(low, 16);
  if (tile & 1) return v128.or(i8x16.shr_u(a, 4), v128.and(b, i8x16.splat(-16)));
  return v128.or(v128.and(a, i8x16.splat(15)), i8x16.shl(b, 4));
}

/** Bit 4 of the codes of `nibblePairs`: of code k in bit 0 of byte k, of code 16 + k in bit 4. */
@inline
export function fifthBits(layout: i32, block: usize, tile: i32): v128 {
  if (layout == L_Q5_K) {
    const one = i8x16.splat(1);
    const a = i8x16.shr_u(v128.load(block + 16), tile), b = i8x16.shr_u(v128.load(block + 32), tile);
    return v128.or(v128.and(a, one), i8x16.shl(v128.and(b, one), 4));
  }
  const bits = v128.load32_splat(block + (layout == L_Q5_0 ? 2 : 4)), each = i64x2.splat(0x8040201008040201);
  const a = i8x16.swizzle(bits, v128(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  const b = i8x16.swizzle(bits, v128(2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
  return v128.or(
    v128.and(i8x16.eq(v128.and(a, each), each), i8x16.splat(1)),
    v128.and(i8x16.eq(v128.and(b, each), each), i8x16.splat(16)),
  );
}

/** Codes 0 to 15 (`part` 0) or 16 to 31 (1) of the other formats. */
@inline
export function codesOf(layout: i32, block: usize, tile: i32, part: i32): v128 {
  const at = block + 16 * part;
  if (layout == L_Q8_0) return v128.load(at, 2);
  if (layout == L_WIDE) return v128.load(at, 4);
  const quarter = tile & 3, half = tile >> 2; // of 128 weights
  const two = i8x16.splat(3);
  if (layout == L_Q6_K) {
    // ql[128] qh[64] scales[16] d: a half of 128 weights has 64 bytes of ql and 32 of qh, two bits a quarter.
    const low = v128.load(at + 64 * half + 32 * (quarter & 1));
    const high = v128.and(i8x16.shr_u(v128.load(at + 128 + 32 * half), 2 * quarter), two);
    return v128.or(v128.and(i8x16.shr_u(low, 4 * (quarter >> 1)), i8x16.splat(15)), i8x16.shl(high, 4));
  }
  if (layout == L_Q3_K) {
    // hmask[32] qs[64] scales[12] d: code = two bits of qs, plus 4 where the mask bit is set.
    const low = v128.and(i8x16.shr_u(v128.load(at + 32 + 32 * half), 2 * quarter), two);
    return v128.or(low, i8x16.shl(v128.and(i8x16.shr_u(v128.load(at), tile), i8x16.splat(1)), 2));
  }
  // Q2_K: scales[16] qs[64] d dmin.
  return v128.and(i8x16.shr_u(v128.load(at + 16 + 32 * half), 2 * quarter), two);
}

/** The f16 factors of eight superblocks, `stride` bytes apart. */
@inline
export function putFactors(layout: i32, block: usize, stride: usize, to: usize): void {
  if (layout == L_Q4_K || layout == L_Q5_K) {
    putHalves(block, stride, to);
    putHalves(block + 2, stride, to + 16);
  } else if (layout == L_Q6_K) {
    putHalves(block + 208, stride, to);
  } else if (layout == L_Q3_K) {
    putHalves(block + 108, stride, to);
  } else {
    putHalves(block + 80, stride, to);
    putHalves(block + 82, stride, to + 16);
  }
}

/** Scales and minimums of a tile of eight rows, `stride` bytes apart. */
@inline
export function putScales(layout: i32, block: usize, stride: usize, tile: i32, to: usize): void {
  if (layout == L_WIDE) {
    v128.store(to, gather(block, stride));
    v128.store(to, gather(block + 2, stride), 16);
  } else if (!isSuper(layout)) {
    putHalves(block, stride, to);
    if (layout == L_Q4_1 || layout == L_Q5_1) putHalves(block + 2, stride, to + 16);
  } else {
    const minimums = to + <usize>passesOf(layout) * 8;
    for (let r: usize = 0; r < 8; r++) {
      if (layout == L_Q4_K || layout == L_Q5_K) sixBits(block + 4, tile, to + r, minimums + r);
      else if (layout == L_Q6_K) {
        store<u8>(to + r, load<u8>(block + 192 + 2 * tile));
        store<u8>(to + r, load<u8>(block + 193 + 2 * tile), 8);
      } else if (layout == L_Q3_K) {
        store<i8>(to + r, thirdScale(block + 96, 2 * tile));
        store<i8>(to + r, thirdScale(block + 96, 2 * tile + 1), 8);
      } else {
        // Q2_K: low nibble scale, high nibble minimum, per 16.
        const first = load<u8>(block + 2 * tile), second = load<u8>(block + 2 * tile, 1);
        store<u8>(to + r, first & 15);
        store<u8>(to + r, second & 15, 8);
        store<u8>(minimums + r, first >> 4);
        store<u8>(minimums + r, second >> 4, 8);
      }
      block += stride;
    }
  }
}

/** Eight halves, `stride` bytes apart. */
@inline
function gather(from: usize, stride: usize): v128 {
  let v = v128.load16_lane(from, i64x2.splat(0), 0);
  v = v128.load16_lane(from + stride, v, 1);
  v = v128.load16_lane(from + 2 * stride, v, 2);
  v = v128.load16_lane(from + 3 * stride, v, 3);
  v = v128.load16_lane(from + 4 * stride, v, 4);
  v = v128.load16_lane(from + 5 * stride, v, 5);
  v = v128.load16_lane(from + 6 * stride, v, 6);
  return v128.load16_lane(from + 7 * stride, v, 7);
}

/** Eight f16 of the file as scales of ours. Sets C_FAULT where one is 128 or more. */
function putHalves(from: usize, stride: usize, to: usize): void {
  const halves = gather(from, stride), none = i64x2.splat(0);
  const magnitude = v128.and(halves, i16x8.splat(0x7fff)), exponent = v128.and(halves, i16x8.splat(0x7c00));
  const zero = i16x8.eq(magnitude, none), denormal = v128.andnot(i16x8.eq(exponent, none), zero);
  if (!v128.any_true(v128.or(denormal, i16x8.gt_s(exponent, i16x8.splat(21 << 10))))) {
    v128.store(to, i16x8.add(halves, v128.andnot(i16x8.splat(10 << 10), zero)));
    return;
  }
  for (let r: usize = 0; r < 8; r++) {
    const scale = toScale(load<u16>(from + r * stride));
    if (scale == 0xffffffff) store<i32>(C_FAULT, 1);
    store<u16>(to + (r << 1), <u16>scale);
  }
}

/** Scale and minimum number j of the 12 bytes of six-bit pairs of Q4_K and Q5_K. */
function sixBits(q: usize, j: i32, scale: usize, minimum: usize): void {
  if (j < 4) {
    store<u8>(scale, load<u8>(q + j) & 63);
    store<u8>(minimum, load<u8>(q + j, 4) & 63);
    return;
  }
  store<u8>(scale, (load<u8>(q + j, 4) & 15) | ((load<u8>(q + j - 4) >> 6) << 4));
  store<u8>(minimum, (load<u8>(q + j, 4) >> 4) | ((load<u8>(q + j) >> 6) << 4));
}

/** Scale number j of the 12 bytes of Q3_K: four low bits, two high ones, minus 32. */
function thirdScale(q: usize, j: i32): i8 {
  const low = j < 8 ? load<u8>(q + j) & 15 : load<u8>(q + j - 8) >> 4;
  const high = (load<u8>(q + (j & 3), 8) >> <u8>(2 * (j >> 2))) & 3;
  return <i8>((low | (high << 4)) - 32);
}
