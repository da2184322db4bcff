// The weights in a folder of files: which of them hold tensors, and all their tensors by the names they have there.
import type { ByteSource } from "../base/source.ts";
import { EngineError } from "../base/errors.ts";
import { damaged } from "./formats/errors.ts";
import { readFields } from "./formats/json.ts";
import { regionOf } from "./formats/region.ts";
import { looksLikeSafetensors, readSafetensors } from "./formats/safetensors.ts";
import type { StoredTensor } from "./formats/stored.ts";
import { looksLikeTorch, readTorch } from "./formats/torch.ts";
import type { Folder } from "./vocabulary/read.ts";

/** What training leaves beside the weights. */
const NO_WEIGHTS =
  /^(training_args|optimizer|scheduler|scaler|rng_state.*|adapter_model|non_lora_trainables)\.(bin|pt|pth|safetensors)$/;

/** Files by name. Throws `bad_request` where two have the same. */
export function folderOf(sources: readonly ByteSource[]): Folder {
  const folder = new Map(sources.map((source) => [source.name, source]));
  if (folder.size === sources.length) return folder;
  const twice = sources.find((source, i) => sources.findIndex(({ name }) => name === source.name) < i);
  throw new EngineError("bad_request", `Two of the files are named ${twice?.name ?? "?"}.`, "Choose the files of one model.");
}

/** Tensors of a file that is PyTorch's or safetensors, by what it starts with. Throws `bad_file`, `truncated_file`. */
export async function readTensors(source: ByteSource, signal?: AbortSignal): Promise<ReadonlyMap<string, StoredTensor>> {
  const first = await regionOf(source).read(0, Math.min(16, source.sizeBytes), signal);
  if (looksLikeTorch(first)) return (await readTorch(source, signal)).tensors;
  if (looksLikeSafetensors(first)) return readSafetensors(source, signal);
  throw damaged(source.name, "it is neither PyTorch's nor safetensors");
}

/** Files of weights, by name: those an index lists, else all of the one kind that is there. Throws `bad_request` where the index lists others. */
export async function weightFiles(folder: Folder, signal?: AbortSignal): Promise<ByteSource[]> {
  const index = [...folder.values()].find(({ name }) => /\.(safetensors|bin)\.index\.json$/.test(name));
  if (index) {
    const map = (await readFields(index, signal)).fields("weight_map");
    const names = new Set((map?.keys ?? []).map((tensor) => map?.text(tensor) ?? ""));
    if (names.size === 0) throw damaged(index.name, "it lists no files");
    return [...names].map((name) => {
      const source = folder.get(name);
      if (source) return source;
      throw new EngineError(
        "bad_request",
        `${index.name} lists ${name}, which is not among the files.`,
        "Choose all files of the model.",
      );
    });
  }
  const kinds = [/\.safetensors$/, /\.(bin|pth|pt)$/];
  for (const kind of kinds) {
    const files = [...folder.values()].filter(({ name }) => kind.test(name) && !NO_WEIGHTS.test(name));
    if (files.length > 0) return files.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  return [];
}
