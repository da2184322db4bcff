// A LLaMA in plain TypeScript and double precision, for models of a few thousand weights: the truth of the self-test.
import { QUANTS } from "../../../shaders/quant/index.ts";
import { assert } from "../base/errors.ts";
import type { Linear, Model, Step, Tensor } from "../base/model.ts";

/** Bytes of a tensor, as the file would have them. */
export type BytesOf = (tensor: Tensor) => Uint8Array;

/** Logits [tokens, vocab] of tokens at positions 0, 1, …; f64 throughout. */
export function referenceLogits(model: Model, bytesOf: BytesOf, tokens: readonly number[]): Float64Array {
  const caches = model.segments.map(() => ({ keys: new Array<Float64Array>(), values: new Array<Float64Array>() }));
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
    const values: Record<string, Float64Array> = {};
    model.segments.forEach((segment, i) => {
      for (const step of segment.steps) run(model, floats, step, values, token, position, caches[i]!);
    });
    out.set(values["logits"]!, position * vocab);
  });
  return out;
}

type Floats = (tensor: Tensor) => Float32Array;
interface Cache {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
}

function run(
  model: Model,
  floats: Floats,
  step: Step,
  values: Record<string, Float64Array>,
  token: number,
  position: number,
  cache: Cache,
): void {
  if (step.op === "embed") {
    const { cols } = step.weight;
    values[step.out] = Float64Array.from(floats(step.weight).subarray(token * cols, (token + 1) * cols));
  } else if (step.op === "linear") {
    const y = product(step, floats, values[step.in]!);
    const before = values[step.out];
    if (step.then === "rope") turn(model, y, position);
    if (step.then === "add") y.forEach((value, i) => (y[i] = value + before![i]!));
    if (step.then === "silu_multiply") y.forEach((value, i) => (y[i] = (before![i]! / (1 + Math.exp(-before![i]!))) * value));
    values[step.out] = y;
  } else {
    assert(step.op === "attend", `The reference has no ${step.op}.`);
    cache.keys[position] = values["k"]!;
    cache.values[position] = values["v"]!;
    values["attended"] = attend(model, values["q"]!, cache, step.scale);
  }
}

function product({ weight, norm }: Linear, floats: Floats, input: Float64Array): Float64Array {
  const { rows, cols } = weight;
  let x = input;
  if (norm) {
    const factor = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / cols + norm.epsilon);
    const gamma = floats(norm.weight);
    x = x.map((value, i) => value * factor * gamma[i]!);
  }
  const w = floats(weight);
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let col = 0; col < cols; col++) sum += w[row * cols + col]! * x[col]!;
    return sum;
  });
}

function turn({ shape, rope }: Model, x: Float64Array, position: number): void {
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

function attend({ shape }: Model, q: Float64Array, { keys, values }: Cache, scale: number): Float64Array {
  const { heads, kvHeads, headDim } = shape;
  const out = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const from = Math.floor(head / (heads / kvHeads)) * headDim;
    const scores = keys.map((key) => {
      let sum = 0;
      for (let d = 0; d < headDim; d++) sum += q[head * headDim + d]! * key[from + d]!;
      return sum * scale;
    });
    const peak = Math.max(...scores);
    const exps = scores.map((score) => Math.exp(score - peak));
    const total = exps.reduce((sum, e) => sum + e, 0);
    for (let d = 0; d < headDim; d++) {
      out[head * headDim + d] = exps.reduce((sum, e, p) => sum + e * values[p]![from + d]!, 0) / total;
    }
  }
  return out;
}
