// PEFT's adapters: adapter_config.json beside adapter_model.safetensors or .bin. LoRA as Alpaca-LoRA, Baize, GPT4All and all others have
// it, and PEFT's own form of LLaMA-Adapter.
// Source: huggingface/peft src/peft/utils/save_and_load.py, tuners/lora/layer.py, tuners/adaption_prompt/layer.py.
import type { LowRank } from "../base/adapter.ts";
import type { ByteSource } from "../base/source.ts";
import { readTensors } from "../checkpoint/folder.ts";
import { damaged } from "../checkpoint/formats/errors.ts";
import { readFields } from "../checkpoint/formats/json.ts";
import type { StoredTensor } from "../checkpoint/formats/stored.ts";
import { huggingFaceName } from "../checkpoint/names.ts";
import type { AdapterContents, Frame, LearnedPrompt, LoraContents, PromptContents } from "./contents.ts";
import { refused, unknownTensors } from "./errors.ts";
import { gatesOf } from "./gates.ts";
import { readEmbeddingPair, readPair } from "./low-rank.ts";
import { loraConfig } from "./peft-config.ts";

/** "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", with and without the wrapper and the adapter's name. */
const LORA = /^(?:base_model\.model\.)?(.+)\.lora_(embedding_)?(A|B)(?:\.[^.]+)??(?:\.weight)?$/;
const PROMPT = /^(?:base_model\.model\.)?(?:model\.)?layers\.(\d+)\.self_attn\.adaption_(prompt|gate)$/;

/** The halves of a change as they are found. */
interface Halves {
  readonly module: string;
  readonly embedding: boolean;
  a?: StoredTensor;
  b?: StoredTensor;
}

/** Reads weights with the configuration beside them. Throws `bad_file`, `truncated_file`, `unsupported_tensor`. */
export async function readPeft(
  weights: ByteSource,
  configFile: ByteSource,
  frame: Frame,
  signal?: AbortSignal,
): Promise<AdapterContents> {
  const config = await readFields(configFile, signal);
  const type = config.text("peft_type") ?? "LORA"; // Baize's says it, older ones leave it out
  const tensors = await readTensors(weights, signal);
  const kind = weights.name.endsWith(".safetensors") ? "safetensors" : "a PyTorch file";
  if (type === "ADAPTION_PROMPT") return readPrompts(weights.name, tensors, frame, signal);
  if (type !== "LORA") throw refused(configFile.name, `it is of PEFT's kind "${type}"; LoRA and adaption prompts are read`);
  const { scaleOf } = loraConfig(config);
  const changes = new Map<string, LowRank>();
  for (const { module, embedding, a, b } of halvesOf(weights.name, tensors)) {
    const named = huggingFaceName(`${module}.weight`);
    if (!named) throw refused(weights.name, `it changes ${module}, which no LLaMA has`);
    if (!a || !b) throw damaged(weights.name, `${module} has one of its two matrices`);
    const rank = embedding ? b.cols : a.rows;
    const options = { file: weights.name, scale: scaleOf(module, rank), headDim: named.rotated ? frame.headDim : null, signal };
    const pair = { a, b };
    changes.set(
      named.name,
      await (embedding ? readEmbeddingPair(named.name, pair, false, options) : readPair(named.name, pair, options)),
    );
  }
  if (changes.size === 0) throw damaged(weights.name, "it has no matrix of a LoRA");
  return { kind: "lora", format: `PEFT’s LoRA, ${kind}`, changes } satisfies LoraContents;
}

function halvesOf(file: string, tensors: ReadonlyMap<string, StoredTensor>): Iterable<Halves> {
  const modules = new Map<string, Halves>();
  const unknown: string[] = [];
  for (const [name, tensor] of tensors) {
    if (name.includes("lora_magnitude_vector")) throw refused(file, "it is a DoRA, whose magnitudes no low-rank change has");
    const [, module, embedding, half] = LORA.exec(name) ?? [];
    if (module === undefined) {
      unknown.push(name);
      continue;
    }
    const halves = modules.get(module) ?? { module, embedding: embedding !== undefined };
    const key = half === "A" ? "a" : "b";
    if (halves[key]) throw damaged(file, `${module} has the matrix ${String(half)} twice`);
    halves[key] = tensor;
    modules.set(module, halves);
  }
  if (unknown.length > 0) throw unknownTensors(file, unknown);
  return modules.values();
}

async function readPrompts(
  file: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  frame: Frame,
  signal?: AbortSignal,
): Promise<PromptContents> {
  const prompts = new Map<number, LearnedPrompt>();
  const unknown = [...tensors.keys()].filter((name) => !PROMPT.test(name));
  if (unknown.length > 0) throw unknownTensors(file, unknown);
  for (const [name, tensor] of tensors) {
    const [, layer, half] = PROMPT.exec(name)!;
    if (half !== "prompt") continue;
    const gate = tensors.get(name.replace(/prompt$/, "gate"));
    if (!gate) throw damaged(file, `layer ${String(layer)} has a prompt and no gate`);
    const vectors = await tensor.read(0, tensor.rows, signal);
    const gates = await gatesOf(file, gate, frame.heads, signal);
    if (tensor.cols !== frame.dim) throw damaged(file, `${name} is ${tensor.cols} wide and the model ${frame.dim}`);
    prompts.set(Number(layer), { length: tensor.rows, vectors, gates });
  }
  if (prompts.size === 0) throw damaged(file, "it has no prompt");
  return { kind: "prompt", format: "PEFT’s adaption prompt", prompts, gate: "raw" };
}
