// A model with an adapter merged into its weights, as a checkpoint: read row by row, so that it can be converted to any type and exported.
// Source: Hu et al., "LoRA", section 4.1 (W + BA); OpenGVLab/LLaMA-Adapter llama_adapter_v2_chat65b (bias and scale of every linear map).
import type { LowRank } from "../base/adapter.ts";
import { EngineError } from "../base/errors.ts";
import type { Rows } from "../checkpoint/arrange.ts";
import { assemble } from "../checkpoint/assemble.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { AdapterContents, LoraContents, ScaleSide, TuningContents } from "./contents.ts";
import { unfit } from "./errors.ts";
import { checkChange } from "./fit.ts";

/**
 * The merged model. `scale` is how strongly a LoRA is applied. Throws `bad_file` where the two do not fit each other, `bad_request` for a
 * prompt, which no weight can hold.
 */
export function mergeAdapter(base: Checkpoint, contents: AdapterContents, scale: number): Checkpoint {
  if (contents.kind === "prompt") {
    throw new EngineError(
      "bad_request",
      "A learned prompt is no change of weights, and cannot be merged into them.",
      "Load it beside the model.",
    );
  }
  const tensors: ReadonlyMap<string, Rows> =
    contents.kind === "lora" ? withChanges(base, contents, scale) : withTuning(base, contents);
  return assemble({ ...base, format: `${contents.format}, on ${base.format}`, tensors });
}

function withChanges(base: Checkpoint, { changes }: LoraContents, scale: number): ReadonlyMap<string, Rows> {
  const tensors = new Map<string, Rows>(base.tensors);
  const embedding = base.tensors.get("token_embd.weight");
  // Changed, embedding and head are no longer one.
  if (embedding && !tensors.has("output.weight") && (changes.has("token_embd.weight") || changes.has("output.weight"))) {
    tensors.set("output.weight", embedding);
  }
  for (const [name, change] of changes) {
    const weight = tensors.get(name);
    if (!weight) throw unfit(`the model has no ${name}`);
    checkChange(name, change, weight);
    tensors.set(name, plus(weight, change, scale));
  }
  return tensors;
}

/** weight + scale · b · a. */
function plus(weight: Rows, { a, b, rank }: LowRank, scale: number): Rows {
  const { cols } = weight;
  return {
    ...weight,
    type: "F32",
    read: async (first, count, signal) => {
      const values = await weight.read(first, count, signal);
      for (let row = 0; row < count; row++) {
        for (let r = 0; r < rank; r++) {
          const factor = scale * b[(first + row) * rank + r]!;
          for (let col = 0; col < cols; col++) values[row * cols + col]! += factor * a[r * cols + col]!;
        }
      }
      return values;
    },
  };
}

function withTuning(base: Checkpoint, { scales, biases, norms, side }: TuningContents): ReadonlyMap<string, Rows> {
  const tensors = new Map<string, Rows>(base.tensors);
  const find = (name: string): Rows => {
    const tensor = tensors.get(name);
    if (tensor) return tensor;
    throw unfit(`the model has no ${name} of its own`);
  };
  for (const [name, norm] of norms) {
    expectVector(name, norm, find(name).cols);
    tensors.set(name, flat(norm));
  }
  for (const [name, bias] of biases) {
    const { rows } = find(name);
    expectVector(`the bias of ${name}`, bias, rows);
    const scale = side === "outputs" ? scales.get(name) : undefined;
    tensors.set(name.replace(/\.weight$/, ".bias"), scale ? times(flat(bias), flat(scale), "inputs") : flat(bias));
  }
  for (const [name, scale] of scales) {
    const weight = find(name);
    expectVector(`the scale of ${name}`, scale, side === "inputs" ? weight.cols : weight.rows);
    tensors.set(name, times(weight, flat(scale), side));
  }
  return tensors;
}

/** Columns, or rows, of a matrix times the elements of a vector. */
function times(weight: Rows, scale: Rows, side: ScaleSide): Rows {
  const { cols } = weight;
  let factors: Promise<Float32Array> | null = null;
  return {
    ...weight,
    type: "F32",
    read: async (first, count, signal) => {
      factors ??= scale.read(0, 1);
      const [values, by] = [await weight.read(first, count, signal), await factors];
      for (let i = 0; i < values.length; i++) {
        values[i]! *= by[side === "inputs" ? i % cols : first + Math.floor(i / cols)]!;
      }
      return values;
    },
  };
}

/** A vector however it was stored, [n], [n, 1] or [1, n], as one row. */
function flat(vector: Rows): Rows {
  const { type, rows, cols } = vector;
  return { type, rows: 1, cols: rows * cols, read: (_, __, signal) => vector.read(0, rows, signal) };
}

function expectVector(name: string, { rows, cols }: Rows, length: number): void {
  if (rows * cols !== length) throw unfit(`${name} has ${rows * cols} numbers; ${length} were expected`);
}
