// Which type each tensor of a converted file gets, as llama.cpp's quantizer chooses.
// Source: llama.cpp src/llama-quant.cpp, llama_tensor_get_type and its fallbacks; include/llama.h, llama_ftype.
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";
import type { CheckpointConfig, CheckpointTensor } from "../checkpoint/checkpoint.ts";

/** What a checkpoint can be converted to: the number llama.cpp gives such a file, and what stands in where rows are no whole blocks. */
export const TARGETS = {
  F32: { fileType: 0, fallback: null },
  F16: { fileType: 1, fallback: null },
  Q8_0: { fileType: 7, fallback: "F16" },
  Q4_0: { fileType: 2, fallback: "F16" },
  Q4_1: { fileType: 3, fallback: "F16" },
  Q5_1: { fileType: 9, fallback: "F16" },
  Q4_K: { fileType: 15, fallback: "Q5_0" },
  Q6_K: { fileType: 18, fallback: "Q8_0" },
} as const satisfies Partial<Record<QuantName, { fileType: number; fallback: QuantName | null }>>;

export type Target = keyof typeof TARGETS;

/** What is worth offering to people, smallest first. */
export const OFFERED = ["Q4_0", "Q4_K", "Q4_1", "Q5_1", "Q6_K", "Q8_0", "F16"] as const satisfies readonly Target[];

export function isTarget(name: string): name is Target {
  return Object.hasOwn(TARGETS, name);
}

/** As llama.cpp calls such a file: its 4-bit K quants are mixed. */
export function targetName(target: Target): string {
  return target === "Q4_K" ? "Q4_K_M" : target;
}

/** The type of a tensor in a file of this kind. `tied`: the embedding is the head as well. Vectors and routers stay as they are. */
export function typeFor(
  tensor: CheckpointTensor,
  target: Target,
  { layers, experts }: Pick<CheckpointConfig, "layers" | "experts">,
  tied: boolean,
): QuantName {
  if (tensor.rows === 1 || tensor.name.endsWith("ffn_gate_inp.weight")) return "F32";
  if (target === "F32" || target === "F16") return target;
  const isHead = tensor.name === "output.weight" || (tied && tensor.name === "token_embd.weight");
  // An error in the head goes straight to the logits.
  if (isHead) return fitting(target === "Q8_0" ? "Q8_0" : "Q6_K", tensor.cols);
  // Beside eight experts attention is small, and all of them hang on it.
  if (experts?.count === 8 && /\.attn_[kv]\.weight$/.test(tensor.name)) return fitting("Q8_0", tensor.cols);
  if (experts?.count === 8 && target === "Q4_K" && tensor.name.endsWith(".attn_output.weight") && tensor.cols % 256 === 0)
    return "Q5_K";
  const isDelicate = /\.(attn_v|ffn_down|ffn_down_exps)\.weight$/.test(tensor.name);
  const layer = Number(/^blk\.(\d+)\./.exec(tensor.name)?.[1] ?? 0);
  if (target === "Q4_K" && isDelicate && takesMoreBits(layer, layers)) return fitting("Q6_K", tensor.cols); // "Q4_K_M"
  return fitting(target, tensor.cols);
}

/** The first and last eighth of the layers, and every third between. */
function takesMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

function fitting(target: Target, cols: number): QuantName {
  if (cols % QUANTS[target].blockSize === 0) return target;
  const { fallback } = TARGETS[target];
  return fallback !== null && cols % QUANTS[fallback].blockSize === 0 ? fallback : "F16";
}
