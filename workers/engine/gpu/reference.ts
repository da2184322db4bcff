// A LLaMA in plain TypeScript and double precision, for models of a few thousand weights: the truth of the self-test.
import { QUANTS } from "../../../shaders/quant/index.ts";
import type { Adapter } from "../base/adapter.ts";
import type { Attend, Experts, Linear, Model, Norm, Step, Tensor } from "../base/model.ts";

/** Bytes of a tensor, as the file would have them. */
export type BytesOf = (tensor: Tensor) => Uint8Array;

/** An adapter, and how strongly it is applied. */
export interface Strength {
  readonly adapter: Adapter;
  readonly scale: number;
}

type Vector = Float64Array;
interface Cache {
  readonly keys: Vector[];
  readonly values: Vector[];
}

/** Logits [tokens, vocab] of tokens at positions 0, 1, …; f64 throughout. */
export function referenceLogits(
  model: Model,
  bytesOf: BytesOf,
  tokens: readonly number[],
  applied: readonly Strength[] = [],
): Float64Array {
  const caches = model.segments.map(() => ({ keys: new Array<Vector>(), values: new Array<Vector>() }));
  const { vocab } = model.shape;
  const out = new Float64Array(tokens.length * vocab);
  const weights = new Map<string, Float32Array>();
  const floats = (tensor: Tensor): Float32Array => {
    const known = weights.get(tensor.name) ?? new Float32Array(tensor.rows * tensor.cols);
    if (!weights.has(tensor.name)) QUANTS[tensor.type].dequantize(bytesOf(tensor), known);
    weights.set(tensor.name, known);
    return known;
  };
  tokens.forEach((token, position) => {
    const values: Record<string, Vector> = {};
    model.segments.forEach((segment, i) => {
      for (const step of segment.steps) run({ model, floats, values, token, position, cache: caches[i]!, applied }, step);
    });
    out.set(values["logits"]!, position * vocab);
  });
  return out;
}

interface At {
  readonly model: Model;
  readonly floats: (tensor: Tensor) => Float32Array;
  readonly values: Record<string, Vector>;
  readonly token: number;
  readonly position: number;
  readonly cache: Cache;
  readonly applied: readonly Strength[];
}

function run(at: At, step: Step): void {
  const { model, floats, values, token, position, cache } = at;
  if (step.op === "embed") {
    const { cols } = step.weight;
    values[step.out] = Float64Array.from(floats(step.weight).subarray(token * cols, (token + 1) * cols));
  } else if (step.op === "linear") {
    const y = linear(at, step);
    const before = values[step.out];
    if (step.then === "rope") turn(model, y, position);
    if (step.then === "add") y.forEach((value, i) => (y[i] = value + before![i]!));
    if (step.then === "silu_multiply") y.forEach((value, i) => (y[i] = silu(before![i]!) * value));
    values[step.out] = y;
  } else if (step.op === "attend") {
    cache.keys[position] = values["k"]!;
    cache.values[position] = values["v"]!;
    values["attended"] = attend(model, values["q"]!, cache, step);
    prompts(at, step);
  } else {
    experts(at, step);
  }
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

function linear({ floats, values, applied }: At, { weight, bias, norm, in: input }: Linear): Vector {
  const x = norm ? normalized(values[input]!, norm, floats) : values[input]!;
  const y = product(floats(weight), x);
  if (bias) floats(bias).forEach((value, row) => (y[row]! += value));
  for (const { adapter, scale } of applied) {
    const change = adapter.lowRank.get(weight.name);
    if (change) product(change.b, product(change.a, x)).forEach((value, row) => (y[row]! += scale * value));
  }
  return y;
}

function normalized(x: Vector, { weight, epsilon }: Norm, floats: At["floats"]): Vector {
  const factor = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + epsilon);
  const gamma = floats(weight);
  return x.map((value, i) => value * factor * gamma[i]!);
}

/** W [rows, x.length] times x. */
function product(w: Float32Array, x: Vector): Vector {
  return Float64Array.from({ length: w.length / x.length }, (_, row) => {
    let sum = 0;
    for (let col = 0; col < x.length; col++) sum += w[row * x.length + col]! * x[col]!;
    return sum;
  });
}

function turn({ shape, rope }: Model, x: Vector, position: number): void {
  for (let head = 0; head < x.length; head += shape.headDim) {
    rope.frequencies.forEach((frequency, pair) => {
      const [cos, sin] = [Math.cos(position * frequency) * rope.magnitude, Math.sin(position * frequency) * rope.magnitude];
      const at = head + 2 * pair;
      const [a, b] = [x[at]!, x[at + 1]!];
      x[at] = a * cos - b * sin;
      x[at + 1] = a * sin + b * cos;
    });
  }
}

function attend({ shape }: Model, q: Vector, { keys, values }: Cache, { scale, window = Infinity }: Attend): Vector {
  const { heads, kvHeads, headDim } = shape;
  const first = Math.max(0, keys.length - window);
  const out = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const from = Math.floor(head / (heads / kvHeads)) * headDim;
    const query = q.subarray(head * headDim, (head + 1) * headDim);
    const part = (rows: Vector[]): Vector[] => rows.slice(first).map((row) => row.subarray(from, from + headDim));
    out.set(weighed(query, part(keys), part(values), scale), head * headDim);
  }
  return out;
}

/** softmax(q · keys · scale) · values of one head. */
function weighed(q: Vector, keys: readonly Vector[], values: readonly Vector[], scale: number): Vector {
  const exps = softmax(keys.map((key) => scale * key.reduce((sum, value, d) => sum + value * q[d]!, 0)));
  return q.map((_, d) => exps.reduce((sum, e, p) => sum + e * values[p]![d]!, 0));
}

function softmax(scores: readonly number[]): number[] {
  const peak = Math.max(...scores);
  const exps = scores.map((score) => Math.exp(score - peak));
  const total = exps.reduce((sum, e) => sum + e, 0);
  return exps.map((e) => e / total);
}

function prompts({ model, values, applied }: At, { layer, scale }: Attend): void {
  const { heads, kvHeads, headDim } = model.shape;
  for (const { adapter, scale: strength } of applied) {
    const prompt = adapter.prompts.get(layer);
    for (let head = 0; prompt && head < heads; head++) {
      const at = Math.floor(head / (heads / kvHeads)) * headDim;
      const rows = (of: Float32Array): Vector[] =>
        Array.from({ length: prompt.length }, (_, i) =>
          Float64Array.from(of.subarray(i * kvHeads * headDim + at, i * kvHeads * headDim + at + headDim)),
        );
      const q = values["q"]!.subarray(head * headDim, (head + 1) * headDim);
      weighed(q, rows(prompt.keys), rows(prompt.values), scale).forEach((value, d) => {
        values["attended"]![head * headDim + d]! += strength * prompt.gates[head]! * value;
      });
    }
  }
}

function experts({ floats, values }: At, { norm, router, gate, up, down, count, used }: Experts): void {
  const hidden = values["hidden"]!;
  const x = normalized(hidden, norm, floats);
  const odds = softmax([...product(floats(router), x)]);
  const best = odds
    .map((p, expert) => ({ p, expert }))
    .sort((a, b) => b.p - a.p)
    .slice(0, used);
  const total = best.reduce((sum, { p }) => sum + p, 0);
  const weightOf = (tensor: Tensor, expert: number): Float32Array => {
    const size = (tensor.rows / count) * tensor.cols;
    return floats(tensor).subarray(expert * size, (expert + 1) * size);
  };
  for (const { p, expert } of best) {
    const gates = product(weightOf(gate, expert), x);
    const inner = product(weightOf(up, expert), x).map((value, i) => silu(gates[i]!) * value);
    product(weightOf(down, expert), inner).forEach((value, i) => (hidden[i]! += (p / total) * value));
  }
}
