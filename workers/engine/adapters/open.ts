// Opens whatever an adapter was published as: looks which files are there, and what they hold.
import type { ByteSource } from "../base/source.ts";
import { folderOf, readTensors } from "../checkpoint/folder.ts";
import { regionOf } from "../checkpoint/formats/region.ts";
import type { AdapterContents, Frame } from "./contents.ts";
import { missing, unknownTensors } from "./errors.ts";
import { readGgufLora } from "./gguf.ts";
import { isLitLlama, readLitLlama } from "./lit-llama.ts";
import { isLlamaAdapter, readLlamaAdapter } from "./llama-adapter.ts";
import { readPeft } from "./peft.ts";

/** PEFT's weights, safetensors before pickles where both are there. */
const PEFT_WEIGHTS = ["adapter_model.safetensors", "adapter_model.bin"];
/** Files that may lie beside an adapter and say nothing of it. */
const BESIDE = /\.(json|md|txt|model|jinja)$|^training_args\.bin$/;

/**
 * Reads the files of one adapter for a model of this shape: PEFT's, a GGUF LoRA, LLaMA-Adapter's or lit-llama's. Nothing in a file is
 * ever run. Throws `bad_request` where a file is missing, `bad_file`, `truncated_file`, `unsupported_tensor`, `unsupported_architecture`,
 * and what the sources throw.
 */
export async function openAdapter(sources: readonly ByteSource[], frame: Frame, signal?: AbortSignal): Promise<AdapterContents> {
  const folder = folderOf(sources);
  const config = folder.get("adapter_config.json");
  const named = PEFT_WEIGHTS.map((name) => folder.get(name)).find((source) => source !== undefined);
  const weights = named ?? sources.find(({ name }) => !BESIDE.test(name));
  if (!weights) {
    throw missing(
      "None of the files has an adapter's weights.",
      "Choose adapter_config.json and its weights, a GGUF LoRA, or a LLaMA-Adapter.",
    );
  }
  const first = await regionOf(weights).read(0, Math.min(4, weights.sizeBytes), signal);
  if (String.fromCharCode(...first) === "GGUF") return readGgufLora(weights, signal);
  if (config) return readPeft(weights, config, frame, signal);
  const tensors = await readTensors(weights, signal);
  if (isLitLlama(tensors)) return readLitLlama(weights.name, tensors, frame, signal);
  if (isLlamaAdapter(tensors)) return readLlamaAdapter(weights.name, tensors, frame, signal);
  if ([...tensors.keys()].some((name) => name.includes("lora_A") || name.includes("adaption_prompt"))) {
    throw missing("adapter_config.json, which says how strong the adapter is, is not among the files.", "Choose it too.");
  }
  throw unknownTensors(weights.name, [...tensors.keys()]);
}
