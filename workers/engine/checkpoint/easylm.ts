// Koala as it was published: one EasyLM stream, linear maps transposed, heads in Meta's order, no configuration.
// Source: young-geng/EasyLM EasyLM/models/llama/convert_easylm_to_hf.py (branch koala_jax_0.3).
import type { ByteSource } from "../base/source.ts";
import type { Rows } from "./arrange.ts";
import { assemble, unknownTensors } from "./assemble.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { configOfTensors, paramsOf } from "./config.ts";
import { readEasyLm } from "./formats/easylm.ts";
import { readFields } from "./formats/json.ts";
import { easyLmName } from "./names.ts";
import { readLanguage, type Folder } from "./vocabulary/read.ts";

/** Opens a stream; a params.json beside it counts where there is one. Throws `bad_file`, `truncated_file`, `unsupported_architecture`. */
export async function openEasyLm(name: string, stream: ByteSource, folder: Folder, signal?: AbortSignal): Promise<Checkpoint> {
  const tensors = new Map<string, Rows>();
  for (const [theirs, tensor] of await readEasyLm(stream, isTransposed, signal)) {
    const named = easyLmName(theirs);
    if (!named) throw unknownTensors([theirs]);
    tensors.set(named.name, tensor);
  }
  const params = folder.get("params.json");
  const config = params ? paramsOf(await readFields(params, signal), tensors) : configOfTensors(name, tensors);
  const { vocabulary, template } = await readLanguage(folder, null, signal);
  return assemble({ name, format: "EasyLM's stream", config, tensors, vocabulary, template });
}

function isTransposed(key: string): boolean {
  return easyLmName(key)?.transposed ?? false;
}
