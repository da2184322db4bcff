// LLaMA-Adapter as its authors publish it: V1's prompts and gates, V2's scales, biases and norms in the 65B chat release's names.
// Source: OpenGVLab/LLaMA-Adapter llama/model.py, llama_adapter_v2_chat65b/llama/model.py; Zhang et al., "LLaMA-Adapter".
import { damaged } from "../checkpoint/formats/errors.ts";
import type { Rows } from "../checkpoint/arrange.ts";
import type { StoredTensor } from "../checkpoint/formats/stored.ts";
import { metaName } from "../checkpoint/names.ts";
import type { Frame, LearnedPrompt, PromptContents, TuningContents } from "./contents.ts";
import { refused, unknownTensors } from "./errors.ts";
import { gatesOf } from "./gates.ts";

type Tensors = ReadonlyMap<string, StoredTensor>;

const QUERY = "adapter_query.weight";
const GATE = /^layers\.(\d+)\.attention\.gate$/;
const MAP = /^(layers\.\d+\.(?:attention\.w[qkvo]|feed_forward\.w[123])|output)_(scale|bias)$/;
const NORM = /^(layers\.\d+\.(attention|ffn)_norm|norm)\.weight$/;
/** What V2's multimodal release has and nothing else. */
const VISUAL = /(^|\.)(visual_|clip\.|clip_proj)/;
/** Prompts a layer, where the file's name does not tell. */
const LENGTH = 10;

/** Whether a state dict is one of the authors' own. */
export function isLlamaAdapter(tensors: Tensors): boolean {
  return tensors.has(QUERY) || [...tensors.keys()].some((name) => MAP.test(name) || VISUAL.test(name));
}

/** Reads a state dict. Throws `bad_file` for tensors of no known meaning, and for the multimodal release. */
export async function readLlamaAdapter(
  file: string,
  tensors: Tensors,
  frame: Frame,
  signal?: AbortSignal,
): Promise<PromptContents | TuningContents> {
  if ([...tensors.keys()].some((name) => VISUAL.test(name))) {
    throw refused(file, "it is the multimodal LLaMA-Adapter V2, which always wants a picture");
  }
  return tensors.has(QUERY) ? readPrompts(file, tensors, frame, signal) : readTuning(file, tensors);
}

/** One embedding for all prompts: those of the lowest of the top layers first. */
async function readPrompts(file: string, tensors: Tensors, frame: Frame, signal?: AbortSignal): Promise<PromptContents> {
  const unknown = [...tensors.keys()].filter((name) => name !== QUERY && !GATE.test(name));
  if (unknown.length > 0) throw unknownTensors(file, unknown);
  const query = tensors.get(QUERY)!;
  const length = Number(/len(\d{1,4})_layer\d+/.exec(file)?.[1] ?? LENGTH);
  const layers = query.rows / length;
  if (query.cols !== frame.dim) throw damaged(file, `its prompts are ${query.cols} wide and the model ${frame.dim}`);
  if (!Number.isInteger(layers) || layers > frame.layers) {
    throw damaged(file, `${query.rows} vectors are not ${length} for each of up to ${frame.layers} layers`);
  }
  const prompts = new Map<number, LearnedPrompt>();
  for (let i = 0; i < layers; i++) {
    const layer = frame.layers - layers + i;
    const gate = tensors.get(`layers.${layer}.attention.gate`);
    if (!gate) throw damaged(file, `layer ${layer} has a prompt and no gate`);
    const gates = await gatesOf(file, gate, frame.heads, signal);
    prompts.set(layer, { length, vectors: await query.read(i * length, length, signal), gates });
  }
  return { kind: "prompt", format: "LLaMA-Adapter V1", prompts, gate: "raw" };
}

function readTuning(file: string, tensors: Tensors): TuningContents {
  const parts = { scales: new Map<string, Rows>(), biases: new Map<string, Rows>(), norms: new Map<string, Rows>() };
  const unknown: string[] = [];
  for (const [name, tensor] of tensors) {
    const [, map, part] = MAP.exec(name) ?? [];
    const named = metaName(map === undefined ? name : `${map}.weight`);
    if (!named || (map === undefined && !NORM.test(name))) unknown.push(name);
    else parts[map === undefined ? "norms" : part === "scale" ? "scales" : "biases"].set(named.name, tensor);
  }
  if (unknown.length > 0) throw unknownTensors(file, unknown);
  return { kind: "tuning", format: "LLaMA-Adapter V2", side: "inputs", ...parts, prompts: null };
}
