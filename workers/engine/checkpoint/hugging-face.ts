// Hugging Face's layout: config.json beside model.safetensors or pytorch_model.bin, in one file or in several.
// Source: huggingface/transformers modeling_utils.py; llama.cpp convert_hf_to_gguf.py, LlamaModel.modify_tensors.
import { EngineError } from "../base/errors.ts";
import { pairBiases, pairHeads, type Rows } from "./arrange.ts";
import { assemble, unknownTensors } from "./assemble.ts";
import type { Checkpoint, CheckpointConfig } from "./checkpoint.ts";
import { configOf, refuseOthers } from "./config.ts";
import { ExpertTensors } from "./experts.ts";
import { readTensors, weightFiles } from "./folder.ts";
import { damaged } from "./formats/errors.ts";
import { readFields } from "./formats/json.ts";
import type { StoredTensor } from "./formats/stored.ts";
import { huggingFaceName, isDerived, unwrapped } from "./names.ts";
import { readLanguage, type Folder } from "./vocabulary/read.ts";

/** A name only GPT-J's tensors have. */
const GPTJ = /^transformer\.h\.\d+\.attn\.q_proj\.weight$/;

/** Opens a folder as transformers saves it. Throws `bad_file`, `truncated_file`, `unsupported_architecture`, `unsupported_tokenizer`. */
export async function openHuggingFace(name: string, folder: Folder, signal?: AbortSignal): Promise<Checkpoint> {
  const configFile = folder.get("config.json");
  if (!configFile) {
    throw new EngineError(
      "bad_request",
      "config.json, which says how many heads there are, is not among the files.",
      "Choose it too.",
    );
  }
  const fields = await readFields(configFile, signal);
  const config = configOf(fields);
  const files = await weightFiles(folder, signal);
  if (files.length === 0)
    throw new EngineError("bad_request", "None of the files has weights.", "Choose all files of the model.");
  const tensors = new Map<string, Rows>();
  const experts = new ExpertTensors(name, config.experts?.count ?? 0);
  const unknown: string[] = [];
  for (const file of files) {
    for (const [theirs, tensor] of await readTensors(file, signal)) {
      if (GPTJ.test(theirs)) refuseOthers("gptj");
      if (isDerived(theirs) || experts.take(unwrapped(theirs), tensor)) continue;
      const named = huggingFaceName(theirs);
      if (!named) unknown.push(theirs);
      else if (tensors.has(named.name)) throw damaged(file.name, `${theirs} is in another file too`);
      else tensors.set(named.name, arranged(tensor, named.rotated !== null, config));
    }
  }
  if (unknown.length > 0) throw unknownTensors(unknown);
  for (const [ours, tensor] of experts.together()) tensors.set(ours, tensor);
  // Some tied models store the head all the same; it is the embedding.
  if (fields.flag("tie_word_embeddings") === true) tensors.delete("output.weight");
  const kind = files[0]!.name.endsWith(".safetensors") ? "safetensors" : "PyTorch files";
  const { vocabulary, template } = await readLanguage(folder, fields, signal);
  const format = `Hugging Face's ${kind}${files.length > 1 ? `, ${files.length} shards` : ""}`;
  return assemble({ name, format, config, tensors, vocabulary, template });
}

function arranged(tensor: StoredTensor, rotated: boolean, { headDim }: CheckpointConfig): Rows {
  if (!rotated) return tensor;
  return tensor.rows === 1 ? pairBiases(tensor, headDim) : pairHeads(tensor, headDim);
}
