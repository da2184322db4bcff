// LLaMA-Adapter as lit-llama trains it: queries, keys and values in one map, V2's scales after the product, prompts in V2 as well.
// Source: Lightning-AI/lit-llama lit_llama/adapter.py, lit_llama/adapter_v2.py.
import type { Rows } from "../checkpoint/arrange.ts";
import { damaged } from "../checkpoint/formats/errors.ts";
import type { StoredTensor } from "../checkpoint/formats/stored.ts";
import type { Frame, LearnedPrompt, PromptContents, TuningContents } from "./contents.ts";
import { unknownTensors } from "./errors.ts";
import { gatesOf } from "./gates.ts";

type Tensors = ReadonlyMap<string, StoredTensor>;

const LAYER = /^transformer\.h\.(\d+)\.(.+)$/;
const WTE = "attn.adapter_wte.weight";
const GATE = "attn.gating_factor";
const NORMS: Readonly<Record<string, string>> = { "rms_1.scale": "attn_norm", "rms_2.scale": "ffn_norm" };
const MAPS: Readonly<Record<string, string>> = {
  "attn.c_proj": "attn_output",
  "mlp.c_fc1": "ffn_gate",
  "mlp.c_fc2": "ffn_up",
  "mlp.c_proj": "ffn_down",
};
const PARTS = { adapter_scale: "scales", adapter_bias: "biases" } as const;

/** Whether a state dict is lit-llama's. */
export function isLitLlama(tensors: Tensors): boolean {
  return [...tensors.keys()].some((name) => /^transformer\.h\.\d+\.(attn\.(adapter_wte|gating_factor)|.+\.adapter_)/.test(name));
}

/** Reads a state dict. Throws `bad_file` for tensors of no known meaning. */
export async function readLitLlama(
  file: string,
  tensors: Tensors,
  frame: Frame,
  signal?: AbortSignal,
): Promise<PromptContents | TuningContents> {
  const prompts = new Map<number, LearnedPrompt>();
  const parts = { scales: new Map<string, Rows>(), biases: new Map<string, Rows>(), norms: new Map<string, Rows>() };
  const unknown: string[] = [];
  for (const [name, tensor] of tensors) {
    const [, number, part] = LAYER.exec(name) ?? [];
    const layer = Number(number);
    const [, map, kind] = /^(.+)\.(adapter_scale|adapter_bias)$/.exec(part ?? name) ?? [];
    if (part === WTE) prompts.set(layer, await promptOf(file, layer, tensor, tensors, frame, signal));
    else if (part === GATE) continue;
    else if (part !== undefined && NORMS[part]) parts.norms.set(`blk.${layer}.${NORMS[part]}.weight`, tensor);
    else if (name === "transformer.ln_f.scale") parts.norms.set("output_norm.weight", tensor);
    else if (isPart(kind) && map === "lm_head") parts[PARTS[kind]].set("output.weight", tensor);
    else if (isPart(kind) && map !== undefined && MAPS[map]) parts[PARTS[kind]].set(`blk.${layer}.${MAPS[map]}.weight`, tensor);
    else if (isPart(kind) && map === "attn.c_attn") addFused(file, parts[PARTS[kind]], layer, tensor, frame);
    else unknown.push(name);
  }
  if (unknown.length > 0) throw unknownTensors(file, unknown);
  const version = parts.scales.size + parts.biases.size > 0 ? "V2" : "V1";
  const format = `LLaMA-Adapter ${version}, lit-llama`;
  const contents: PromptContents = { kind: "prompt", format, prompts, gate: "raw" };
  if (version === "V2") return { kind: "tuning", format, side: "outputs", ...parts, prompts: prompts.size > 0 ? contents : null };
  if (parts.norms.size > 0) throw unknownTensors(file, [...parts.norms.keys()]);
  if (prompts.size === 0) throw damaged(file, "it has no prompt");
  return contents;
}

async function promptOf(
  file: string,
  layer: number,
  vectors: StoredTensor,
  tensors: Tensors,
  { dim, heads }: Frame,
  signal?: AbortSignal,
): Promise<LearnedPrompt> {
  const gate = tensors.get(`transformer.h.${layer}.${GATE}`);
  if (!gate) throw damaged(file, `layer ${layer} has a prompt and no gate`);
  if (vectors.cols !== dim) throw damaged(file, `its prompts are ${vectors.cols} wide and the model ${dim}`);
  const gates = await gatesOf(file, gate, heads, signal);
  return { length: vectors.rows, vectors: await vectors.read(0, vectors.rows, signal), gates };
}

/** Cuts the vector of the one map into those of queries, keys and values. */
function addFused(file: string, to: Map<string, Rows>, layer: number, tensor: Rows, { heads, kvHeads, headDim }: Frame): void {
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  if (tensor.rows !== 1 || tensor.cols !== q + 2 * kv) {
    throw damaged(
      file,
      `a vector of queries, keys and values has ${tensor.rows * tensor.cols} numbers; ${q + 2 * kv} were expected`,
    );
  }
  to.set(`blk.${layer}.attn_q.weight`, slice(tensor, 0, q));
  to.set(`blk.${layer}.attn_k.weight`, slice(tensor, q, kv));
  to.set(`blk.${layer}.attn_v.weight`, slice(tensor, q + kv, kv));
}

function slice(vector: Rows, from: number, count: number): Rows {
  return {
    type: vector.type,
    rows: 1,
    cols: count,
    read: async (_, __, signal) => (await vector.read(0, 1, signal)).slice(from, from + count),
  };
}

function isPart(name: string | undefined): name is keyof typeof PARTS {
  return name !== undefined && name in PARTS;
}
