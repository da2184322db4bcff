// The two inner loops of attention, for one to four query rows: q·K of a run of positions, and weights·V.
// Keys [position / 8][dim][8 positions], values [dim / 8][position][8 dims], both halves of bias 20: no sums across lanes.
// Where many rows share a run it is widened once, to floats in the same order. Queries lie as [dim][4 rows].
// Each loop is a function that kernels.ts exports: inside its only caller it would lack registers, a fifth slower.
import { cachedHigh, cachedLow, cacheLower, cacheUpper } from "./half";
import { madd, zero } from "./level";
import { RUN } from "./words";

const ROW: usize = RUN * 4; // bytes from one row's scores to the next one's

/** Widens `vectors` vectors of eight halves. */
export function widenAll(from: usize, vectors: i32, to: usize): void {
  const upper = cacheUpper(), lower = cacheLower();
  for (const end = from + (<usize>vectors << 4); from < end; from += 16) {
    const v = v128.load(from);
    v128.store(to, cachedLow(v, upper, lower));
    v128.store(to, cachedHigh(v, upper, lower), 16);
    to += 32;
  }
}

@inline
function low(wide: bool, at: usize, upper: v128, lower: v128): v128 {
  return wide ? v128.load(at) : cachedLow(v128.load(at), upper, lower);
}

@inline
function high(wide: bool, at: usize, upper: v128, lower: v128): v128 {
  return wide ? v128.load(at, 16) : cachedHigh(v128.load(at), upper, lower);
}

/**
 * Reads a word of every line of a run's keys and values, as four streams. A processor keeps many of such reads on their way at once,
 * and few in the loops below, which do much with each line: a run that came from memory took up to twice the time. Gives what an
 * engine must not find useless.
 */
export function touch(keys: usize, values: usize, bytes: usize): i32 {
  const half = bytes >> 1;
  let words = 0;
  for (let i: usize = 0; i < half; i += 64) {
    words |= load<i32>(keys + i) | load<i32>(keys + half + i) | load<i32>(values + i) | load<i32>(values + half + i);
  }
  return words;
}

/** scores[row][count] = q·K of up to four of `rows` rows; up to 15 more are written. */
@inline
export function score(rows: i32, keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  if (rows == 1) scoreOne(keys, queries, headDim, count, scores);
  else if (rows == 2) scoreTwo(keys, queries, headDim, count, scores);
  else if (rows == 3) scoreThree(keys, queries, headDim, count, scores);
  else scoreFour(keys, queries, headDim, count, scores);
}

/** The same with keys that are floats. */
@inline
export function scoreWide(rows: i32, keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  if (rows == 1) scoreOneWide(keys, queries, headDim, count, scores);
  else scoreFourWide(keys, queries, headDim, count, scores);
}

export function scoreOne(keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  scoreRow(false, keys, queries, headDim, count, scores);
}

export function scoreTwo(keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  scoreRows(2, false, keys, queries, headDim, count, scores);
}

export function scoreThree(keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  scoreRows(3, false, keys, queries, headDim, count, scores);
}

export function scoreFour(keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  scoreRows(4, false, keys, queries, headDim, count, scores);
}

export function scoreOneWide(keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  scoreRow(true, keys, queries, headDim, count, scores);
}

export function scoreFourWide(keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  scoreRows(4, true, keys, queries, headDim, count, scores);
}

@inline
function scoreRow(wide: bool, keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  const upper = cacheUpper(), lower = cacheLower();
  const next = <usize>headDim << 4, second = next << <usize>wide; // bytes of a row of queries, and of eight keys
  for (let i = 0; i < count; i += 16) {
    let s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
    for (let d: usize = 0; d < next; d += 16) {
      const x = v128.load32_splat(queries + d);
      const at = keys + (wide ? 2 * d : d), k = v128.load(at), l = v128.load(at + second);
      s0 = madd(wide ? k : cachedLow(k, upper, lower), x, s0);
      s1 = madd(wide ? v128.load(at, 16) : cachedHigh(k, upper, lower), x, s1);
      s2 = madd(wide ? l : cachedLow(l, upper, lower), x, s2);
      s3 = madd(wide ? v128.load(at + second, 16) : cachedHigh(l, upper, lower), x, s3);
    }
    v128.store(scores, s0);
    v128.store(scores, s1, 16);
    v128.store(scores, s2, 32);
    v128.store(scores, s3, 48);
    keys += 2 * second;
    scores += 64;
  }
}

@inline
function scoreRows(rows: i32, wide: bool, keys: usize, queries: usize, headDim: i32, count: i32, scores: usize): void {
  const upper = cacheUpper(), lower = cacheLower();
  for (let i = 0; i < count; i += 8) {
    let a0 = zero(), a1 = zero(), a2 = zero(), a3 = zero();
    let b0 = zero(), b1 = zero(), b2 = zero(), b3 = zero();
    let q = queries;
    for (let d = 0; d < headDim; d++) {
      const a = low(wide, keys, upper, lower), b = high(wide, keys, upper, lower);
      let x = v128.load32_splat(q);
      a0 = madd(a, x, a0);
      b0 = madd(b, x, b0);
      x = v128.load32_splat(q, 4);
      a1 = madd(a, x, a1);
      b1 = madd(b, x, b1);
      if (rows > 2) {
        x = v128.load32_splat(q, 8);
        a2 = madd(a, x, a2);
        b2 = madd(b, x, b2);
      }
      if (rows > 3) {
        x = v128.load32_splat(q, 12);
        a3 = madd(a, x, a3);
        b3 = madd(b, x, b3);
      }
      q += 16;
      keys += wide ? 32 : 16;
    }
    v128.store(scores, a0);
    v128.store(scores, b0, 16);
    v128.store(scores + ROW, a1);
    v128.store(scores + ROW, b1, 16);
    if (rows > 2) {
      v128.store(scores + 2 * ROW, a2);
      v128.store(scores + 2 * ROW, b2, 16);
    }
    if (rows > 3) {
      v128.store(scores + 3 * ROW, a3);
      v128.store(scores + 3 * ROW, b3, 16);
    }
    scores += 32;
  }
}

/** out[row][pad] = weights[row][count] · V of up to four of `rows` rows; outputs are `width` bytes apart. */
@inline
export function weigh(rows: i32, values: usize, weights: usize, pad: i32, count: i32, out: usize, width: usize): void {
  if (rows == 1) weighOne(values, weights, pad, count, out);
  else if (rows == 2) weighTwo(values, weights, pad, count, out, width);
  else if (rows == 3) weighThree(values, weights, pad, count, out, width);
  else weighFour(values, weights, pad, count, out, width);
}

/** The same with values that are floats, strips RUN positions apart. */
@inline
export function weighWide(rows: i32, values: usize, weights: usize, pad: i32, count: i32, out: usize, width: usize): void {
  if (rows == 1) weighOneWide(values, weights, pad, count, out);
  else weighFourWide(values, weights, pad, count, out, width);
}

export function weighOne(values: usize, weights: usize, pad: i32, count: i32, out: usize): void {
  weighRow(false, values, weights, pad, count, out);
}

export function weighTwo(values: usize, weights: usize, pad: i32, count: i32, out: usize, width: usize): void {
  weighRows(2, false, values, weights, pad, count, out, width);
}

export function weighThree(values: usize, weights: usize, pad: i32, count: i32, out: usize, width: usize): void {
  weighRows(3, false, values, weights, pad, count, out, width);
}

export function weighFour(values: usize, weights: usize, pad: i32, count: i32, out: usize, width: usize): void {
  weighRows(4, false, values, weights, pad, count, out, width);
}

export function weighOneWide(values: usize, weights: usize, pad: i32, count: i32, out: usize): void {
  weighRow(true, values, weights, pad, count, out);
}

export function weighFourWide(values: usize, weights: usize, pad: i32, count: i32, out: usize, width: usize): void {
  weighRows(4, true, values, weights, pad, count, out, width);
}

@inline
function weighRow(wide: bool, values: usize, weights: usize, pad: i32, count: i32, out: usize): void {
  const upper = cacheUpper(), lower = cacheLower();
  const strip: usize = RUN * (wide ? 32 : 16);
  for (let d = 0; d < pad; d += 16) {
    const second = d + 8 < pad ? strip : 0;
    let y0 = zero(), y1 = zero(), y2 = zero(), y3 = zero();
    let at = values;
    for (let i = 0; i < count; i++) {
      const p = v128.load32_splat(weights + (<usize>i << 2));
      const v = v128.load(at), w = v128.load(at + second);
      y0 = madd(wide ? v : cachedLow(v, upper, lower), p, y0);
      y1 = madd(wide ? v128.load(at, 16) : cachedHigh(v, upper, lower), p, y1);
      y2 = madd(wide ? w : cachedLow(w, upper, lower), p, y2);
      y3 = madd(wide ? v128.load(at + second, 16) : cachedHigh(w, upper, lower), p, y3);
      at += wide ? 32 : 16;
    }
    v128.store(out, y0);
    v128.store(out, y1, 16);
    if (second) {
      v128.store(out, y2, 32);
      v128.store(out, y3, 48);
    }
    values += 2 * strip;
    out += 64;
  }
}

@inline
function weighRows(
  rows: i32, wide: bool, values: usize, weights: usize, pad: i32, count: i32, out: usize, width: usize,
): void {
  const upper = cacheUpper(), lower = cacheLower();
  for (let d = 0; d < pad; d += 8) {
    let a0 = zero(), a1 = zero(), a2 = zero(), a3 = zero();
    let b0 = zero(), b1 = zero(), b2 = zero(), b3 = zero();
    let at = values, p = weights;
    for (let i = 0; i < count; i++) {
      const a = low(wide, at, upper, lower), b = high(wide, at, upper, lower);
      let x = v128.load32_splat(p);
      a0 = madd(a, x, a0);
      b0 = madd(b, x, b0);
      x = v128.load32_splat(p, ROW);
      a1 = madd(a, x, a1);
      b1 = madd(b, x, b1);
      if (rows > 2) {
        x = v128.load32_splat(p, 2 * ROW);
        a2 = madd(a, x, a2);
        b2 = madd(b, x, b2);
      }
      if (rows > 3) {
        x = v128.load32_splat(p, 3 * ROW);
        a3 = madd(a, x, a3);
        b3 = madd(b, x, b3);
      }
      at += wide ? 32 : 16;
      p += 4;
    }
    let to = out;
    v128.store(to, a0);
    v128.store(to, b0, 16);
    to += width;
    v128.store(to, a1);
    v128.store(to, b1, 16);
    if (rows > 2) {
      to += width;
      v128.store(to, a2);
      v128.store(to, b2, 16);
    }
    if (rows > 3) {
      to += width;
      v128.store(to, a3);
      v128.store(to, b3, 16);
    }
    values += RUN * (wide ? 32 : 16);
    out += 32;
  }
}
