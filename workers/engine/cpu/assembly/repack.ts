// GGUF rows to packed rows, eight at a time, as tile.ts draws them: four rows by four words are turned in registers.
import { codesOf, fifthBits, nibblePairs, putFactors, putScales, sourceBytes } from "./source";
import { bitsOf, isSuper, passBytes, passesOf, superBytes, tileBytes } from "./tile";
import {
  BYTES_SIGNED, L_BF16, L_F16, L_F32, L_Q2_K, L_Q3_K, L_Q4_0, L_Q4_1, L_Q4_K, L_Q5_0, L_Q5_1, L_Q5_K, L_Q6_K, L_Q8_0, L_WIDE,
} from "./words";

/** Packs `rows` GGUF rows, a multiple of eight, from `from` to `to`. Sets C_FAULT where a scale is too large for a half of bias 25 (128 or more). */
export function repack(layout: i32, mode: i32, from: usize, rows: i32, cols: i32, to: usize): void {
  const tiles = cols >> 5, flip = mode == BYTES_SIGNED ? 0 : -128; // else signed bytes become unsigned ones around 128
  switch (layout) {
    case L_Q4_0: return pack_q4_0(from, rows, tiles, to, flip);
    case L_Q4_1: return pack_q4_1(from, rows, tiles, to, flip);
    case L_Q5_0: return pack_q5_0(from, rows, tiles, to, flip);
    case L_Q5_1: return pack_q5_1(from, rows, tiles, to, flip);
    case L_Q8_0: return pack_q8_0(from, rows, tiles, to, flip);
    case L_Q4_K: return pack_q4_k(from, rows, tiles, to, flip);
    case L_Q5_K: return pack_q5_k(from, rows, tiles, to, flip);
    case L_Q6_K: return pack_q6_k(from, rows, tiles, to, flip);
    case L_Q3_K: return pack_q3_k(from, rows, tiles, to, flip);
    case L_Q2_K: return pack_q2_k(from, rows, tiles, to, flip);
    case L_WIDE: return pack_wide(from, rows, tiles, to, flip);
    case L_F32: return packFloats(from, rows, cols, to);
    case L_F16:
    case L_BF16: return packHalves(from, rows, cols, to);
  }
}

function pack_q4_0(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q4_0, from, rows, tiles, to, flip);
}

function pack_q4_1(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q4_1, from, rows, tiles, to, flip);
}

function pack_q5_0(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q5_0, from, rows, tiles, to, flip);
}

function pack_q5_1(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q5_1, from, rows, tiles, to, flip);
}

function pack_q8_0(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q8_0, from, rows, tiles, to, flip);
}

function pack_q4_k(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q4_K, from, rows, tiles, to, flip);
}

function pack_q5_k(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q5_K, from, rows, tiles, to, flip);
}

function pack_q6_k(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q6_K, from, rows, tiles, to, flip);
}

function pack_q3_k(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q3_K, from, rows, tiles, to, flip);
}

function pack_q2_k(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_Q2_K, from, rows, tiles, to, flip);
}

function pack_wide(from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  packRows(L_WIDE, from, rows, tiles, to, flip);
}

@inline
function packRows(layout: i32, from: usize, rows: i32, tiles: i32, to: usize, flip: i32): void {
  const stride = (isSuper(layout) ? <usize>(tiles >> 3) : <usize>tiles) * sourceBytes(layout);
  for (let row = 0; row < rows; row += 8) {
    for (let i = 0; i < tiles; i++) {
      const tile = isSuper(layout) ? i & 7 : 0;
      const block = from + (isSuper(layout) ? <usize>(i >> 3) : <usize>i) * sourceBytes(layout);
      if (isSuper(layout) && !tile) {
        putFactors(layout, block, stride, to);
        to += superBytes(layout);
      }
      for (let half: usize = 0; half < 2; half++) {
        const four = block + 4 * half * stride, out = to + 16 * half;
        if (passesOf(layout) == 2) {
          packPart(layout, four, stride, tile, 0, out, flip);
          packPart(layout, four, stride, tile, 1, out + passBytes(layout), flip);
        } else if (bitsOf(layout) == 8) {
          packBytes(layout, four, stride, 0, out, flip);
          packBytes(layout, four, stride, 1, out + 32, flip);
        } else packPairs(layout, four, stride, tile, out);
      }
      putScales(layout, block, stride, tile, to + <usize>passesOf(layout) * passBytes(layout));
      to += tileBytes(layout);
    }
    from += 8 * stride;
  }
}

/** Four rows of a tile of 4 or 5 bits, whose words j and 4 + j share bytes. */
@inline
function packPairs(layout: i32, four: usize, stride: usize, tile: i32, to: usize): void {
  const a = nibblePairs(layout, four, tile), b = nibblePairs(layout, four + stride, tile);
  const c = nibblePairs(layout, four + 2 * stride, tile), d = nibblePairs(layout, four + 3 * stride, tile);
  const lowAB = mixLow(a, b), highAB = mixHigh(a, b), lowCD = mixLow(c, d), highCD = mixHigh(c, d);
  v128.store(to, even(lowAB, lowCD));
  v128.store(to, odd(lowAB, lowCD), 32);
  v128.store(to, even(highAB, highCD), 64);
  v128.store(to, odd(highAB, highCD), 96);
  if (bitsOf(layout) == 5) {
    const e = fifthBits(layout, four, tile), f = fifthBits(layout, four + stride, tile);
    const g = fifthBits(layout, four + 2 * stride, tile), h = fifthBits(layout, four + 3 * stride, tile);
    const lowEF = mixLow(e, f), highEF = mixHigh(e, f), lowGH = mixLow(g, h), highGH = mixHigh(g, h);
    const first = v128.or(even(lowEF, lowGH), i8x16.shl(odd(lowEF, lowGH), 1));
    const second = v128.or(i8x16.shl(even(highEF, highGH), 2), i8x16.shl(odd(highEF, highGH), 3));
    v128.store(to, v128.or(first, second), 128);
  }
}

/** Four words of four rows of whole bytes. */
@inline
function packBytes(layout: i32, four: usize, stride: usize, part: i32, to: usize, flip: i32): void {
  const a = codesOf(layout, four, 0, part), b = codesOf(layout, four + stride, 0, part);
  const c = codesOf(layout, four + 2 * stride, 0, part), d = codesOf(layout, four + 3 * stride, 0, part);
  const lowAB = mixLow(a, b), highAB = mixHigh(a, b), lowCD = mixLow(c, d), highCD = mixHigh(c, d);
  const sign = i8x16.splat(<i8>flip);
  v128.store(to, v128.xor(even(lowAB, lowCD), sign));
  v128.store(to, v128.xor(odd(lowAB, lowCD), sign), 64);
  v128.store(to, v128.xor(even(highAB, highCD), sign), 128);
  v128.store(to, v128.xor(odd(highAB, highCD), sign), 192);
}

/** Four rows of a pass of four words: word j shares bytes with word 2 + j. */
@inline
function packPart(layout: i32, four: usize, stride: usize, tile: i32, part: i32, to: usize, flip: i32): void {
  const a = codesOf(layout, four, tile, part), b = codesOf(layout, four + stride, tile, part);
  const c = codesOf(layout, four + 2 * stride, tile, part), d = codesOf(layout, four + 3 * stride, tile, part);
  const lowAB = mixLow(a, b), highAB = mixHigh(a, b), lowCD = mixLow(c, d), highCD = mixHigh(c, d);
  const t0 = even(lowAB, lowCD), t1 = odd(lowAB, lowCD), t2 = even(highAB, highCD), t3 = odd(highAB, highCD);
  if (bitsOf(layout) == 8) {
    const sign = i8x16.splat(<i8>flip);
    v128.store(to, v128.xor(t0, sign));
    v128.store(to, v128.xor(t2, sign), 32);
    v128.store(to, v128.xor(t1, sign), 64);
    v128.store(to, v128.xor(t3, sign), 96);
    return;
  }
  const nibble = i8x16.splat(15);
  v128.store(to, v128.or(v128.and(t0, nibble), i8x16.shl(t2, 4)));
  v128.store(to, v128.or(v128.and(t1, nibble), i8x16.shl(t3, 4)), 32);
  if (bitsOf(layout) == 6) {
    const high = i8x16.splat(-16);
    const first = v128.or(i8x16.shr_u(t0, 4), v128.and(t2, high)), second = v128.or(i8x16.shr_u(t1, 4), v128.and(t3, high));
    v128.store(to + 64, v128.or(first, i8x16.shl(second, 2)));
  }
}

// The turn of four rows a, b, c, d: mixed two by two, then words 0 and 2 are the even, 1 and 3 the odd ones.
@inline
function mixLow(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}

@inline
function mixHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
}

@inline
function even(ab: v128, cd: v128): v128 {
  return v128.shuffle<i64>(ab, cd, 0, 2);
}

@inline
function odd(ab: v128, cd: v128): v128 {
  return v128.shuffle<i64>(ab, cd, 1, 3);
}

/** Floats keep their bits; eight rows are interleaved column by column. */
function packFloats(from: usize, rows: i32, cols: i32, to: usize): void {
  const stride = <usize>cols << 2;
  for (let row = 0; row < rows; row += 8) {
    let k = 0;
    for (; k + 4 <= cols; k += 4) {
      for (let half: usize = 0; half < 2; half++) {
        const at = from + 4 * half * stride + (<usize>k << 2), out = to + 16 * half;
        const a = v128.load(at), b = v128.load(at + stride), c = v128.load(at + 2 * stride), d = v128.load(at + 3 * stride);
        const lowAB = mixLow(a, b), highAB = mixHigh(a, b), lowCD = mixLow(c, d), highCD = mixHigh(c, d);
        v128.store(out, even(lowAB, lowCD));
        v128.store(out, odd(lowAB, lowCD), 32);
        v128.store(out, even(highAB, highCD), 64);
        v128.store(out, odd(highAB, highCD), 96);
      }
      to += 128;
    }
    for (; k < cols; k++) {
      for (let r: usize = 0; r < 8; r++) store<u32>(to + (r << 2), load<u32>(from + r * stride + (<usize>k << 2)));
      to += 32;
    }
    from += 8 * stride;
  }
}

/** The same of 16 bits: pairs of columns are turned as words, then the pairs are parted. */
function packHalves(from: usize, rows: i32, cols: i32, to: usize): void {
  const stride = <usize>cols << 1;
  for (let row = 0; row < rows; row += 8) {
    let k = 0;
    for (; k + 8 <= cols; k += 8) {
      const at = from + (<usize>k << 1), next = at + 4 * stride;
      const a = v128.load(at), b = v128.load(at + stride), c = v128.load(at + 2 * stride), d = v128.load(at + 3 * stride);
      const e = v128.load(next), f = v128.load(next + stride), g = v128.load(next + 2 * stride), h = v128.load(next + 3 * stride);
      const lowAB = mixLow(a, b), highAB = mixHigh(a, b), lowCD = mixLow(c, d), highCD = mixHigh(c, d);
      const lowEF = mixLow(e, f), highEF = mixHigh(e, f), lowGH = mixLow(g, h), highGH = mixHigh(g, h);
      part(even(lowAB, lowCD), even(lowEF, lowGH), to);
      part(odd(lowAB, lowCD), odd(lowEF, lowGH), to + 32);
      part(even(highAB, highCD), even(highEF, highGH), to + 64);
      part(odd(highAB, highCD), odd(highEF, highGH), to + 96);
      to += 128;
    }
    for (; k < cols; k++) {
      for (let r: usize = 0; r < 8; r++) store<u16>(to + (r << 1), load<u16>(from + r * stride + (<usize>k << 1)));
      to += 16;
    }
    from += 8 * stride;
  }
}

/** Two columns of eight rows, pair by pair, as one column and the next. */
@inline
function part(first: v128, second: v128, to: usize): void {
  v128.store(to, v128.shuffle<i16>(first, second, 0, 2, 4, 6, 8, 10, 12, 14));
  v128.store(to, v128.shuffle<i16>(first, second, 1, 3, 5, 7, 9, 11, 13, 15), 16);
}
