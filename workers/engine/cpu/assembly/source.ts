// The blocks of a GGUF file as codes, scales and minimums. Source: ggml/src/ggml-common.h, ggml-quants.c.
import { putScale } from "./repack";
import {
  L_Q2_K, L_Q3_K, L_Q4_0, L_Q4_1, L_Q4_K, L_Q5_0, L_Q5_1, L_Q5_K, L_Q6_K, L_Q8_0, L_WIDE,
} from "./words";

/** Bytes of a block of 32 weights, or of 256 where the format has superblocks. */
export function sourceBytes(layout: i32): usize {
  switch (layout) {
    case L_Q4_0: return 18;
    case L_Q4_1: return 20;
    case L_Q5_0: return 22;
    case L_Q5_1: return 24;
    case L_Q8_0: return 34;
    case L_WIDE: return 36; // ours, of requantize.ts: two halves of bias 25, 32 int8
    case L_Q4_K: return 144;
    case L_Q5_K: return 176;
    case L_Q6_K: return 210;
    case L_Q3_K: return 110;
    default: return 84; // Q2_K
  }
}

/** Tile `tile` of the row at `row`: 32 codes to `codes`; scales, minimums and factors to place r of their eights. */
export function readBlock(layout: i32, row: usize, tile: i32, r: i32, codes: usize, scales: usize, factors: usize): void {
  if (layout >= L_Q4_K && layout <= L_Q2_K) return readSuper(layout, row + <usize>(tile >> 3) * sourceBytes(layout), tile & 7, r, codes, scales, factors);
  const block = row + <usize>tile * sourceBytes(layout);
  if (layout == L_WIDE) {
    store<u16>(scales + (r << 1), load<u16>(block));
    store<u16>(scales + (r << 1), load<u16>(block, 2), 16);
    memory.copy(codes, block + 4, 32);
    return;
  }
  putScale(load<u16>(block), scales, r);
  switch (layout) {
    case L_Q4_0:
      nibbles(block + 2, codes);
      break;
    case L_Q4_1:
      putScale(load<u16>(block, 2), scales + 16, r);
      nibbles(block + 4, codes);
      break;
    case L_Q5_0:
      nibbles(block + 6, codes);
      fifthBits(load<u32>(block, 2), codes);
      break;
    case L_Q5_1:
      putScale(load<u16>(block, 2), scales + 16, r);
      nibbles(block + 8, codes);
      fifthBits(load<u32>(block, 4), codes);
      break;
    case L_Q8_0:
      memory.copy(codes, block + 2, 32);
      break;
  }
}

/** 16 bytes: low nibbles are codes 0 to 15, high nibbles 16 to 31. */
function nibbles(from: usize, codes: usize): void {
  const v = v128.load(from);
  v128.store(codes, v128.and(v, i8x16.splat(15)));
  v128.store(codes, i8x16.shr_u(v, 4), 16);
}

/** Bit i of `bits` is bit 4 of code i. */
function fifthBits(bits: u32, codes: usize): void {
  for (let i: usize = 0; i < 32; i++) store<u8>(codes + i, load<u8>(codes + i) | <u8>(((bits >> <u32>i) & 1) << 4));
}

function readSuper(layout: i32, block: usize, tile: i32, r: i32, codes: usize, scales: usize, factors: usize): void {
  switch (layout) {
    case L_Q4_K:
    case L_Q5_K: {
      if (!tile) {
        putScale(load<u16>(block), factors, r);
        putScale(load<u16>(block, 2), factors + 16, r);
      }
      sixBits(block + 4, tile, scales + r, scales + 8 + r);
      const low = block + (layout == L_Q4_K ? 16 : 48) + 32 * (tile >> 1);
      halfOf(low, tile & 1, codes);
      if (layout == L_Q5_K) {
        for (let i: usize = 0; i < 32; i++) {
          const bit = (load<u8>(block + 16 + i) >> <u8>tile) & 1;
          store<u8>(codes + i, load<u8>(codes + i) | <u8>(bit << 4));
        }
      }
      break;
    }
    case L_Q6_K: {
      // ql[128] qh[64] scales[16] d: a half of 128 weights has 64 bytes of ql and 32 of qh, two bits a quarter.
      if (!tile) putScale(load<u16>(block, 208), factors, r);
      const half = tile >> 2, quarter = tile & 3;
      halfOf(block + 64 * half + 32 * (quarter & 1), quarter >> 1, codes);
      twoBits(block + 128 + 32 * half, quarter, 4, codes);
      store<u8>(scales + r, load<u8>(block + 192 + 2 * tile));
      store<u8>(scales + r, load<u8>(block + 193 + 2 * tile), 8);
      break;
    }
    case L_Q3_K: {
      // hmask[32] qs[64] scales[12] d: code = two bits of qs, plus 4 where the mask bit is set.
      if (!tile) putScale(load<u16>(block, 108), factors, r);
      memory.fill(codes, 0, 32);
      twoBits(block + 32 + 32 * (tile >> 2), tile & 3, 0, codes);
      for (let i: usize = 0; i < 32; i++) {
        const bit = (load<u8>(block + i) >> <u8>tile) & 1;
        store<u8>(codes + i, load<u8>(codes + i) | <u8>(bit << 2));
      }
      store<i8>(scales + r, thirdScale(block + 96, 2 * tile));
      store<i8>(scales + r, thirdScale(block + 96, 2 * tile + 1), 8);
      break;
    }
    case L_Q2_K: {
      // scales[16] qs[64] d dmin: low nibble scale, high nibble minimum, per 16.
      if (!tile) {
        putScale(load<u16>(block, 80), factors, r);
        putScale(load<u16>(block, 82), factors + 16, r);
      }
      memory.fill(codes, 0, 32);
      twoBits(block + 16 + 32 * (tile >> 2), tile & 3, 0, codes);
      for (let pass: usize = 0; pass < 2; pass++) {
        const byte = load<u8>(block + 2 * tile + pass);
        store<u8>(scales + 8 * pass + r, byte & 15);
        store<u8>(scales + 16 + 8 * pass + r, byte >> 4);
      }
      break;
    }
  }
}

/** Low or high nibbles of 32 bytes. */
function halfOf(from: usize, high: i32, codes: usize): void {
  for (let i: usize = 0; i < 32; i += 16) {
    const v = v128.load(from + i);
    v128.store(codes + i, high ? i8x16.shr_u(v, 4) : v128.and(v, i8x16.splat(15)));
  }
}

/** Adds bits 2n and 2n + 1 of 32 bytes to the codes, moved up by `shift`. */
function twoBits(from: usize, n: i32, shift: i32, codes: usize): void {
  for (let i: usize = 0; i < 32; i += 16) {
    const two = v128.and(i8x16.shr_u(v128.load(from + i), 2 * n), i8x16.splat(3));
    v128.store(codes + i, v128.or(v128.load(codes + i), i8x16.shl(two, shift)));
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
