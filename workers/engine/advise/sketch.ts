// A model drawn from its numbers alone: the tensors a file of that shape and quantization would have, without the file.
// Source: llama.cpp src/llama-quant.cpp, llama_tensor_get_type, for which tensors get more bits than the rest.
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";
import type { Model, Shape, Tensor } from "../base/model.ts";
import { extentsOf } from "../model/extents.ts";
import { describeLlama } from "../model/llama.ts";

/** Types of a quantization: most weights, the head, and what gets more bits: V and down of some layers, or with the output of all. */
interface Recipe {
  readonly most: QuantName;
  readonly head?: QuantName;
  readonly more?: QuantName;
  readonly everywhere?: boolean;
}

const RECIPES: Readonly<Record<string, Recipe>> = {
  Q2_K: { most: "Q2_K", head: "Q6_K", more: "Q3_K", everywhere: true },
  Q3_K_S: { most: "Q3_K", head: "Q6_K" },
  Q3_K_M: { most: "Q3_K", head: "Q6_K", more: "Q4_K", everywhere: true },
  Q3_K_L: { most: "Q3_K", head: "Q6_K", more: "Q5_K", everywhere: true },
  Q4_0: { most: "Q4_0", head: "Q6_K" },
  Q4_1: { most: "Q4_1", head: "Q6_K" },
  Q4_K_S: { most: "Q4_K", head: "Q6_K" },
  Q4_K_M: { most: "Q4_K", head: "Q6_K", more: "Q6_K" },
  Q5_0: { most: "Q5_0", head: "Q6_K" },
  Q5_1: { most: "Q5_1", head: "Q6_K" },
  Q5_K_S: { most: "Q5_K", head: "Q6_K" },
  Q5_K_M: { most: "Q5_K", head: "Q6_K", more: "Q6_K" },
  Q6_K: { most: "Q6_K" },
  Q6_K_L: { most: "Q6_K", head: "Q8_0" },
  Q8_0: { most: "Q8_0" },
  F16: { most: "F16" },
  BF16: { most: "BF16" },
  F32: { most: "F32" },
};

/** What rows that are no whole superblocks are packed as instead. */
const NARROW: Partial<Record<QuantName, QuantName>> = {
  Q2_K: "Q4_0",
  Q3_K: "Q4_0",
  Q4_K: "Q5_0",
  Q5_K: "Q5_1",
  Q6_K: "Q8_0",
};

/** The model a file of this shape would hold. `tied`: the embedding is the head too. A quantization nobody has heard of counts as Q4_K_M. */
export function sketchModel(shape: Shape, quantization: string, tied: boolean): Model {
  const recipe = RECIPES[quantization] ?? RECIPES[baseOf(quantization)] ?? RECIPES["Q4_K_M"]!;
  return modelOf(shape, tied, (name, layer) => {
    if (/^(output|token_embd)\./.test(name)) return recipe.head ?? recipe.most;
    const more = recipe.everywhere
      ? /attn_v|attn_output|ffn_down/.test(name)
      : /attn_v|ffn_down/.test(name) && hasMoreBits(layer, shape.layers);
    return more ? (recipe.more ?? recipe.most) : recipe.most;
  });
}

/** A model of one tensor type throughout. */
export function plainModel(shape: Shape, type: QuantName): Model {
  return modelOf(shape, true, () => type);
}

/** True where so many parameters leave no room for a head of its own. */
export function isTied(shape: Shape, parameters: number): boolean {
  const { layers, dim, ffnDim, heads, kvHeads, headDim, vocab } = shape;
  const layer = dim * headDim * (2 * heads + 2 * kvHeads) + 3 * dim * ffnDim;
  return parameters < layers * layer + 1.5 * vocab * dim;
}

function modelOf(shape: Shape, tied: boolean, typeOf: (name: string, layer: number) => QuantName): Model {
  const extents = extentsOf(shape);
  const find = (name: string): Tensor => {
    const parts = name.split(".");
    const [rows, cols] = extents[parts.at(-2)!]!;
    const wanted = rows === 1 ? "F32" : typeOf(name, Number(parts[1]));
    const type = cols % QUANTS[wanted].blockSize === 0 ? wanted : (NARROW[wanted] ?? "F16");
    const { blockSize, blockBytes } = QUANTS[type];
    return { name, type, rows, cols, offset: 0, sizeBytes: ((rows * cols) / blockSize) * blockBytes };
  };
  const frequencies = Float32Array.from({ length: shape.headDim / 2 }, (_, pair) => 10_000 ** ((-2 * pair) / shape.headDim));
  return describeLlama(shape, { dims: shape.headDim, frequencies, magnitude: 1 }, find, (name) =>
    name === "output.weight" && !tied ? find(name) : null,
  );
}

/** The first and the last eighth of the layers, and every third between them. */
function hasMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** "Q4_K" -> "Q4_K_M", "Q3_K_XL" -> "Q3_K_L", "IQ4_XS" -> "Q4_K_S": the nearest that has a recipe. */
function baseOf(quantization: string): string {
  const bits = /Q([2-8])/.exec(quantization)?.[1];
  return { "2": "Q2_K", "3": "Q3_K_M", "4": "Q4_K_S", "5": "Q5_K_M", "6": "Q6_K", "8": "Q8_0" }[bits ?? ""] ?? "Q4_K_M";
}
