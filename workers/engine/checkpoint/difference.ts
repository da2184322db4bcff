// Models published as their difference to LLaMA: base + difference, read together, row by row.
// Source: tatsu-lab/stanford_alpaca weight_diff.py; lm-sys/FastChat fastchat/model/apply_delta.py at v0.1.10 and later;
// young-geng/EasyLM EasyLM/scripts/diff_checkpoint.py.
import { QUANTS } from "../../../shaders/quant/index.ts";
import { assert, EngineError } from "../base/errors.ts";
import { type Rows, withRowsBelow } from "./arrange.ts";
import { assemble } from "./assemble.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { FloatType } from "./formats/stored.ts";

/** How a project adds its difference. */
export interface Recipe {
  /** For people: "Stanford Alpaca". */
  readonly name: string;
  /** What the base has in the rows of tokens that the tuned model added; null where none may be added. */
  readonly addedRows: "mean" | "zero" | null;
  /** The type the sums were made in: the model that was meant is the one with its rounding. */
  readonly sums: FloatType;
  /** Sum of all weights of the tuned model and the rotation's frequencies, where it was published, and what it may be off by. */
  readonly check: { readonly sum: number; readonly tolerance: number; readonly parameters: number } | null;
}

/** The differences we know. A new one is a line. */
export const RECIPES = {
  alpaca: {
    name: "Stanford Alpaca",
    addedRows: "mean",
    sums: "F32",
    check: { sum: 50637.1836, tolerance: 1e-2, parameters: 6_738_423_808 },
  },
  "vicuna-v0": { name: "Vicuna v0", addedRows: "zero", sums: "F16", check: null },
  "vicuna-v1.1": { name: "Vicuna v1.1", addedRows: null, sums: "F16", check: null },
  koala: { name: "Koala", addedRows: null, sums: "BF16", check: null },
} as const satisfies Record<string, Recipe>;

export type RecipeName = keyof typeof RECIPES;

export function isRecipe(name: string): name is RecipeName {
  return Object.hasOwn(RECIPES, name);
}

/** Rows averaged at a time. */
const MEAN_ROWS = 256;

/**
 * The model whose difference to `base` is `difference`, as a checkpoint of the two. Vocabulary and numbers are the difference's
 * where it has them. Throws `bad_file` where the two do not fit each other.
 */
export function addDifference(base: Checkpoint, difference: Checkpoint, recipe: Recipe): Checkpoint {
  const tensors = new Map<string, Rows>();
  for (const delta of difference.tensors.values()) {
    const start = base.tensors.get(delta.name);
    if (!start) throw unfit(`the base has no ${delta.name}`);
    const added = delta.rows - start.rows;
    const grows = added > 0 && /^(token_embd|output)\.weight$/.test(delta.name) && recipe.addedRows !== null;
    if (start.cols !== delta.cols || (added !== 0 && !grows)) {
      const extents = ({ rows, cols }: Rows): string => `${rows} x ${cols}`;
      throw unfit(`${delta.name} is ${extents(delta)} in the difference and ${extents(start)} in the base`);
    }
    const fill = recipe.addedRows === "mean" ? meanRow(start) : () => Promise.resolve(new Float32Array(start.cols));
    tensors.set(delta.name, sum(grows ? withRowsBelow(start, delta.rows, fill) : start, delta, recipe.sums));
  }
  const missing = [...base.tensors.keys()].find((name) => !tensors.has(name));
  if (missing !== undefined) throw unfit(`the difference has no ${missing}`);
  return assemble({
    name: difference.name,
    format: `${recipe.name}: ${difference.format}, on ${base.format}`,
    config: { ...difference.config, ...numbersOfBase(base, difference) },
    tensors,
    vocabulary: difference.vocabulary ?? base.vocabulary,
    template: difference.template ?? base.template,
  });
}

/** A stream without a configuration knows its heads from its base. */
function numbersOfBase(base: Checkpoint, difference: Checkpoint): Partial<Checkpoint["config"]> {
  return difference.format === "EasyLM's stream" ? base.config : {};
}

function sum(base: Rows, delta: Rows, type: FloatType): Rows {
  return {
    type,
    rows: delta.rows,
    cols: delta.cols,
    read: async (first, count, signal) => {
      const values = await base.read(first, count, signal);
      const deltas = await delta.read(first, count, signal);
      for (let i = 0; i < values.length; i++) values[i]! += deltas[i]!;
      return rounded(values, type);
    },
  };
}

function rounded(values: Float32Array<ArrayBuffer>, type: FloatType): Float32Array<ArrayBuffer> {
  const { blockBytes, quantize, dequantize } = QUANTS[type];
  if (type === "F32") return values;
  assert(quantize, `${type} cannot be packed`);
  const packed = new Uint8Array(values.length * blockBytes);
  quantize(values, packed);
  dequantize(packed, values);
  return values;
}

/** The mean of a tensor's rows, found once. */
function meanRow(tensor: Rows): (signal?: AbortSignal) => Promise<Float32Array> {
  let mean: Float32Array | null = null;
  return async (signal) => {
    if (mean) return mean;
    const sums = new Float64Array(tensor.cols);
    for (let first = 0; first < tensor.rows; first += MEAN_ROWS) {
      const values = await tensor.read(first, Math.min(MEAN_ROWS, tensor.rows - first), signal);
      for (let i = 0; i < values.length; i++) sums[i % tensor.cols]! += values[i]!;
    }
    mean = Float32Array.from(sums, (total) => total / tensor.rows);
    return mean;
  };
}

function unfit(why: string): EngineError {
  return new EngineError("bad_file", `Difference and base do not fit: ${why}.`, "Choose the base the difference was made from.");
}
