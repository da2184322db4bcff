// Meta's release: consolidated.NN.pth, each with a share of every matrix, and params.json. Mistral's and newer ones are safetensors;
// Mixtral's are whole tensors, spread over consolidated.NN.pt.
// Source: meta-llama/llama llama/generation.py; EasyLM convert_torch_to_easylm.py for how shares join; mistralai/mistral-inference
// moe.py; transformers convert_mixtral_weights_to_hf.py.
import type { ByteSource } from "../base/source.ts";
import { joinCols, joinRows, type Rows } from "./arrange.ts";
import { assemble, unknownTensors } from "./assemble.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { expertsOfParams, paramsOf } from "./config.ts";
import { ExpertTensors } from "./experts.ts";
import { readTensors } from "./folder.ts";
import { damaged } from "./formats/errors.ts";
import { readFields } from "./formats/json.ts";
import type { StoredTensor } from "./formats/stored.ts";
import { isDerived, metaName, type NamedTensor } from "./names.ts";
import { readLanguage, type Folder } from "./vocabulary/read.ts";

const SHARD = /^consolidated(\.(\d+))?\.(pth?|safetensors)$/;

/** Meta's shards among the files, in order. */
export function metaShards(folder: Folder): ByteSource[] {
  return [...folder.values()].filter(({ name }) => SHARD.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Opens Meta's files. Throws `bad_file`, `truncated_file`, `unsupported_architecture`, `unsupported_tokenizer`. */
export async function openMeta(name: string, folder: Folder, signal?: AbortSignal): Promise<Checkpoint> {
  const params = folder.get("params.json");
  if (!params) throw damaged(name, "params.json, which says how many heads there are, is not among the files");
  const shards = metaShards(folder);
  const numbers = shards.map((shard) => Number(SHARD.exec(shard.name)?.[2] ?? 0));
  if (numbers.some((number, i) => number !== i)) {
    throw damaged(name, `shards ${numbers.join(", ")} are there; they count from 0 without a gap`);
  }
  const fields = await readFields(params, signal);
  const mixture = expertsOfParams(fields);
  const experts = new ExpertTensors(name, mixture?.count ?? 0);
  const parts = new Map<string, { readonly named: NamedTensor; readonly parts: StoredTensor[] }>();
  for (const shard of shards) {
    for (const [theirs, tensor] of await readTensors(shard, signal)) {
      if (isDerived(theirs) || experts.take(theirs, tensor)) continue;
      const named = metaName(theirs);
      if (!named) throw unknownTensors([theirs]);
      const known = parts.get(named.name) ?? { named, parts: [] };
      known.parts.push(tensor);
      parts.set(named.name, known);
    }
  }
  const tensors: Map<string, Rows> = experts.together();
  const dim = fields.positive("dim");
  const shares = mixture ? 1 : shards.length;
  for (const { named, parts: stored } of parts.values()) tensors.set(named.name, join(named, stored, shares, dim));
  const { vocabulary, template } = await readLanguage(folder, null, signal);
  return assemble({
    name,
    format: shards.length === 1 ? "Meta's file" : `Meta's files, ${shards.length} shards`,
    config: paramsOf(fields, tensors),
    tensors,
    vocabulary,
    template,
  });
}

function join({ name, split }: NamedTensor, shares: readonly StoredTensor[], shards: number, dim: number): Rows {
  if (shares.length !== shards) throw damaged(name, `it is in ${shares.length} of ${shards} shards`);
  const [first] = shares;
  if (!first || shards === 1 || split === null) return first!;
  // Embeddings were cut along their width, from Llama 3 on along the vocabulary.
  const byRows = split === "rows" || (name === "token_embd.weight" && first.cols === dim);
  return byRows ? joinRows(name, shares) : joinCols(name, shares);
}
