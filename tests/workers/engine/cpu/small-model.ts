// Small models of random weights, made in memory: for bits and speed, not for sense.
import { QUANTS, type QuantName } from "../../../../shaders/quant/index.ts";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import type { Model, Shape, Tensor } from "../../../../workers/engine/base/model.ts";
import { extentsOf } from "../../../../workers/engine/model/extents.ts";
import { describeLlama, type Variant } from "../../../../workers/engine/model/llama.ts";
import { randomMatrix } from "./products.ts";

/** Names a tensor's type. */
export type TypeOf = (name: string) => QuantName;

/** What a small model may have beside its shape. */
export interface Extras {
  /** A bias for every matrix of a layer. */
  readonly biased?: boolean;
  /** A mixture of experts in every second layer, from the second on. */
  readonly experts?: Variant["experts"];
  readonly window?: number;
}

/** A LLaMA of this shape; `tied` shares the embedding with the head. */
export function smallModel(shape: Shape, typeOf: TypeOf, tied = true, extras: Extras = {}): Model {
  const { biased = false, experts = null, window = null } = extras;
  const sizes = { ...extentsOf(shape), ...(experts ? expertExtents(shape, experts.count) : {}) };
  const made = new Map<string, Tensor>();
  const find = (name: string): Tensor => {
    const [outputs, inputs] = sizes[name.split(".").at(-2)!]!;
    const [rows, cols] = name.endsWith(".bias") ? [1, outputs] : [outputs, inputs];
    const type = rows === 1 ? "F32" : typeOf(name);
    const sizeBytes = (rows * cols * QUANTS[type].blockBytes) / QUANTS[type].blockSize;
    const tensor = made.get(name) ?? { name, type, rows, cols, offset: 0, sizeBytes };
    made.set(name, tensor);
    return tensor;
  };
  const dims = shape.headDim;
  const frequencies = Float32Array.from({ length: dims / 2 }, (_, i) => 10000 ** ((-2 * i) / dims));
  const optional = (name: string): Tensor | null => {
    const has = name === "output.weight" ? !tied : name.endsWith(".bias") ? biased : /^blk\.\d*[13579]\./.test(name);
    return has ? find(name) : null;
  };
  return describeLlama(shape, { dims, frequencies, magnitude: 1 }, find, optional, { window, experts });
}

function expertExtents({ dim, ffnDim }: Shape, count: number): Record<string, readonly [number, number]> {
  return {
    ffn_gate_inp: [count, dim],
    ffn_gate_exps: [count * ffnDim, dim],
    ffn_up_exps: [count * ffnDim, dim],
    ffn_down_exps: [count * dim, ffnDim],
  };
}

/** Writes random weights to every tensor, a few rows at a time; a large one gets the same rows again and again. */
export async function writeRandom(model: Model, backend: Backend): Promise<void> {
  const tensors = new Map(model.segments.flatMap(({ needs }) => needs.map((tensor) => [tensor.name, tensor])));
  let seed = 1;
  for (const tensor of tensors.values()) {
    if (tensor.rows === 1) {
      await backend.write(tensor, 0, new Uint8Array(new Float32Array(tensor.cols).fill(1).buffer));
      continue;
    }
    const step = Math.min(tensor.rows, 64);
    const bytes = randomMatrix(tensor.type, step, tensor.cols, seed++);
    for (let row = 0; row < tensor.rows; row += step) {
      const rows = Math.min(step, tensor.rows - row);
      await backend.write(tensor, row, bytes.subarray(0, (bytes.length / step) * rows));
    }
  }
}

/** A few tokens' worth of everything: grouped heads, several runs of positions, odd row counts. */
export const TINY: Shape = {
  layers: 2,
  dim: 256,
  ffnDim: 512,
  heads: 6,
  kvHeads: 2,
  headDim: 64,
  vocab: 203,
  contextLength: 512,
  epsilon: 1e-5,
};

/** Types as a mixed file has them; rows of attn_output are no whole superblocks. */
export const MIXED: TypeOf = (name) => {
  if (name.includes("attn_output")) return "Q5_0";
  if (name.includes("ffn_down")) return "Q6_K";
  return name.includes("attn_v") ? "Q8_0" : "Q4_K";
};
