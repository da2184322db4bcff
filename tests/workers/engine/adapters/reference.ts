// A LLaMA in double precision that walks a model's steps one by one, adapters included: what backends are measured by.
import { QUANTS } from "../../../../shaders/quant/index.ts";
import type { Adapter } from "../../../../workers/engine/base/adapter.ts";
import type { Attend, Linear, Model, Norm, Tensor } from "../../../../workers/engine/base/model.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";

/** An adapter and how strongly it is applied. */
export interface AppliedAdapter {
  readonly adapter: Adapter;
  readonly scale: number;
}

/** Logits [tokens, vocab] at every position of a text. */
export async function referenceLogits(
  source: ByteSource,
  tokens: readonly number[],
  adapters: readonly AppliedAdapter[] = [],
): Promise<Float64Array> {
  const { model } = await readModelFile(source);
  const reference = new Reference(model, await weightsOf(model, source), adapters);
  return Float64Array.from(tokens.flatMap((token, at) => [...reference.run(token, at)]));
}

class Reference {
  private readonly keys: Float64Array[][] = [];
  private readonly values: Float64Array[][] = [];

  constructor(
    private readonly model: Model,
    private readonly weights: ReadonlyMap<string, Float32Array>,
    private readonly adapters: readonly AppliedAdapter[],
  ) {}

  run(token: number, at: number): Float64Array {
    const { shape } = this.model;
    const rows: Record<string, Float64Array> = {};
    for (const step of this.model.segments.flatMap(({ steps }) => steps)) {
      if (step.op === "embed") {
        const table = this.weights.get(step.weight.name)!;
        rows[step.out] = Float64Array.from(table.subarray(token * shape.dim, (token + 1) * shape.dim));
      } else if (step.op === "linear") this.linear(step, rows, at);
      else if (step.op === "attend") rows["attended"] = this.attend(step, rows["q"]!, rows["k"]!, rows["v"]!);
      else throw new Error(`No ${step.op} here.`);
    }
    return rows["logits"]!;
  }

  private linear(step: Linear, rows: Record<string, Float64Array>, at: number): void {
    const x = step.norm ? this.normed(step.norm, rows[step.in]!) : rows[step.in]!;
    const y = times(this.weights.get(step.weight.name)!, x, step.weight.rows);
    const bias = step.bias && this.weights.get(step.bias.name)!;
    if (bias) for (let i = 0; i < y.length; i++) y[i]! += bias[i]!;
    for (const { adapter, scale } of this.adapters) {
      const change = adapter.lowRank.get(step.weight.name);
      if (!change) continue;
      const low = times(change.a, x, change.rank);
      times(change.b, low, y.length).forEach((value, i) => (y[i]! += scale * value));
    }
    const out = rows[step.out];
    if (step.then === "rope") this.turn(y, at);
    if (step.then === "add") for (let i = 0; i < y.length; i++) y[i]! += out![i]!;
    if (step.then === "silu_multiply") for (let i = 0; i < y.length; i++) y[i]! *= out![i]! / (1 + Math.exp(-out![i]!));
    rows[step.out] = y;
  }

  private attend({ layer, scale, window = Infinity }: Attend, q: Float64Array, k: Float64Array, v: Float64Array): Float64Array {
    const { heads, kvHeads, headDim } = this.model.shape;
    const keys = (this.keys[layer] ??= []);
    const values = (this.values[layer] ??= []);
    keys.push(k);
    values.push(v);
    const out = new Float64Array(heads * headDim);
    for (let head = 0; head < heads; head++) {
      const query = q.subarray(head * headDim, (head + 1) * headDim);
      const shared = Math.floor(head / (heads / kvHeads)) * headDim;
      const cut = (row: ArrayLike<number>): number[] => Array.from({ length: headDim }, (_, i) => row[shared + i]!);
      const add = (values: number[], by: number): void => values.forEach((value, i) => (out[head * headDim + i]! += by * value));
      const first = Math.max(0, keys.length - window);
      add(mixed(query, keys.slice(first).map(cut), values.slice(first).map(cut), scale), 1);
      for (const { adapter, scale: strength } of this.adapters) {
        const prompt = adapter.prompts.get(layer);
        if (!prompt) continue;
        const width = kvHeads * headDim;
        const rows = (all: Float32Array): number[][] =>
          Array.from({ length: prompt.length }, (_, i) => cut(all.subarray(i * width, (i + 1) * width)));
        add(mixed(query, rows(prompt.keys), rows(prompt.values), scale), strength * prompt.gates[head]!);
      }
    }
    return out;
  }

  private normed({ weight, epsilon }: Norm, x: Float64Array): Float64Array {
    const by = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + epsilon);
    const weights = this.weights.get(weight.name)!;
    return x.map((value, i) => value * by * weights[i]!);
  }

  private turn(y: Float64Array, at: number): void {
    const { headDim } = this.model.shape;
    const { dims, frequencies } = this.model.rope;
    for (let head = 0; head < y.length; head += headDim) {
      for (let pair = 0; pair < dims / 2; pair++) {
        const i = head + 2 * pair;
        const [a, b, angle] = [y[i]!, y[i + 1]!, at * frequencies[pair]!];
        y[i] = a * Math.cos(angle) - b * Math.sin(angle);
        y[i + 1] = a * Math.sin(angle) + b * Math.cos(angle);
      }
    }
  }
}

/** softmax(scale · query · keys) · values. */
function mixed(query: ArrayLike<number>, keys: number[][], values: number[][], scale: number): number[] {
  const scores = keys.map((key) => scale * key.reduce((sum, value, i) => sum + value * query[i]!, 0));
  const most = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - most));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return values[0]!.map((_, i) => values.reduce((sum, value, at) => sum + (shares[at]! / total) * value[i]!, 0));
}

function times(weight: Float32Array, x: Float64Array, rows: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let col = 0; col < x.length; col++) sum += weight[row * x.length + col]! * x[col]!;
    return sum;
  });
}

async function weightsOf(model: Model, source: ByteSource): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  const tensors = new Map<string, Tensor>(model.segments.flatMap(({ needs }) => needs.map((tensor) => [tensor.name, tensor])));
  for (const { name, type, rows, cols, offset, sizeBytes } of tensors.values()) {
    const floats = new Float32Array(rows * cols);
    QUANTS[type].dequantize(await source.read(offset, sizeBytes), floats);
    weights.set(name, floats);
  }
  return weights;
}
