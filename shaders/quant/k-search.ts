// How llama.cpp finds the scales of K quants: several candidates a run, the one with the least weighted error is kept.
// Source: ggml/src/ggml-quants.c, make_qkx2_quants, make_qx_quants, quantize_row_q4_K_ref. Arithmetic in single precision, as there.
import { writeHalf } from "./half.ts";
import { minimumOf, packScales, scaleOf } from "./k-scales.ts";
import { bounds, extreme } from "./range.ts";

const f = Math.fround;

/** The nearest integer, ties to even. */
export function nearest(x: number): number {
  return f(x + 12582912) - 12582912; // 1.5 · 2^23: single precision has no room for a fraction there
}

const clamp = (x: number, low: number, high: number): number => (x < low ? low : x > high ? high : x);

/**
 * Scale and minimum of a run of 32 weights whose errors count as |weight| + their RMS, for q of 0 to top.
 * The candidates are the scales of ranges that are `from`, from + 0.1, … steps wider than top.
 */
function scaleAndMinimum(run: Float32Array, top: number, from: number, candidates: number): [scale: number, minimum: number] {
  let squares = 0;
  for (let i = 0; i < 32; i++) squares = f(squares + f(run[i]! * run[i]!));
  const mean = f(Math.sqrt(f(squares / 32)));
  let sumW = 0;
  let sumX = 0;
  for (let i = 0; i < 32; i++) {
    importance[i] = mean + Math.abs(run[i]!);
    sumW = f(sumW + importance[i]!);
    sumX = f(sumX + f(importance[i]! * run[i]!));
  }
  const [lowest, greatest] = bounds(run, 0, 32);
  const least = Math.min(0, lowest);
  if (greatest === least) return [0, -least];

  const width = f(greatest - least);
  let scale = f(1 / f(top / width));
  let minimum = least;
  let inverse = f(top / width);
  for (let i = 0; i < 32; i++) levels[i] = clamp(nearest(f(inverse * f(run[i]! - least))), 0, top);
  let best = errorOf(run, scale, minimum);
  for (let step = 0; step <= candidates; step++) {
    // The better minimum found so far moves the start of the next ranges, as in llama.cpp.
    const start = minimum;
    inverse = f(f(f(from + f(f(0.1) * step)) + top) / f(greatest - start));
    let sumL = 0;
    let sumL2 = 0;
    let sumXL = 0;
    for (let i = 0; i < 32; i++) {
      const x = run[i]!;
      const q = clamp(nearest(f(inverse * f(x - start))), 0, top);
      const weighted = f(importance[i]! * q);
      levels[i] = q;
      sumL = f(sumL + weighted);
      sumL2 = f(sumL2 + f(weighted * q));
      sumXL = f(sumXL + f(weighted * x));
    }
    // Least squares for these q; a minimum above zero is not representable.
    const determinant = f(f(sumW * sumL2) - f(sumL * sumL));
    if (determinant <= 0) continue;
    let s = f(f(f(sumW * sumXL) - f(sumX * sumL)) / determinant);
    let m = f(f(f(sumL2 * sumX) - f(sumL * sumXL)) / determinant);
    if (m > 0) {
      s = f(sumXL / sumL2);
      m = 0;
    }
    const error = errorOf(run, s, m);
    if (error < best) {
      best = error;
      scale = s;
      minimum = m;
    }
  }
  return [scale, -minimum];
}

const importance = new Float32Array(32); // of the run at hand
const levels = new Float32Array(32); // q of the run at hand

/** Weighted squares of what scale · q + minimum leaves of the run. */
function errorOf(run: Float32Array, scale: number, minimum: number): number {
  let sum = 0;
  for (let i = 0; i < 32; i++) {
    const off = f(f(f(scale * levels[i]!) + minimum) - run[i]!);
    sum = f(sum + f(importance[i]! * f(off * off)));
  }
  return sum;
}

/**
 * Quantizes 256 weights as Q4_K (top 15) and Q5_K (top 31) do: writes d, dmin and the packed scales to the first 16 bytes of
 * the block at `at`, and gives the 256 q.
 */
export function quantizeRuns(weights: Float32Array, out: Uint8Array, at: number, top: 15 | 31): Uint8Array {
  const [from, candidates] = top === 15 ? [-1, 20] : [-0.5, 15];
  const runs = Array.from({ length: 8 }, (_, j) => weights.subarray(32 * j, 32 * j + 32));
  const found = runs.map((run) => scaleAndMinimum(run, top, from, candidates));
  const maxScale = Math.max(0, ...found.map(([scale]) => scale));
  const maxMinimum = Math.max(0, ...found.map(([, minimum]) => minimum));
  const sixBits = (x: number, max: number): number => (max > 0 ? Math.min(63, nearest(f(f(63 / max) * x))) : 0);
  packScales(
    out,
    at + 4,
    found.map(([scale]) => sixBits(scale, maxScale)),
    found.map(([, minimum]) => sixBits(minimum, maxMinimum)),
  );
  const d = writeHalf(out, at, f(maxScale / 63));
  const dmin = writeHalf(out, at + 2, f(maxMinimum / 63));
  const q = new Uint8Array(256);
  for (let j = 0; j < 8; j++) {
    const scale = f(d * scaleOf(out, at + 4, j));
    const minimum = f(dmin * minimumOf(out, at + 4, j));
    for (let i = 32 * j; scale && i < 32 * j + 32; i++) q[i] = clamp(nearest(f(f(weights[i]! + minimum) / scale)), 0, top);
  }
  return q;
}

const OFFSETS = [0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const; // in tenths of a step, the plain one first

/** The best scale for a run of weights as scale · q, q of -32 to 31: what Q6_K takes. Errors count as the weight squared. */
export function scaleOnly(run: Float32Array): number {
  const far = extreme(run, 0, run.length);
  if (Math.abs(far) < 1e-15) return 0;
  let scale = 0;
  let best = -1;
  for (const offset of OFFSETS) {
    const inverse = f(-f(32 + f(f(0.1) * offset)) / far);
    let sumLX = 0;
    let sumL2 = 0;
    for (let i = 0; i < run.length; i++) {
      const x = run[i]!;
      const q = clamp(nearest(f(inverse * x)), -32, 31);
      const w = f(x * x);
      sumLX = f(sumLX + f(f(w * x) * q));
      sumL2 = f(sumL2 + f(f(w * q) * q));
    }
    if (best < 0 || (sumL2 > 0 && f(sumLX * sumLX) > f(best * sumL2))) {
      scale = sumL2 ? f(sumLX / sumL2) : 0;
      best = f(scale * sumLX);
    }
  }
  return scale;
}
