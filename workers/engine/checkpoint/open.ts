// Opens whatever a model was published as: looks which files are there, and what they start with.
import type { ByteSource } from "../base/source.ts";
import { EngineError } from "../base/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { openEasyLm } from "./easylm.ts";
import { folderOf } from "./folder.ts";
import { looksLikeEasyLm } from "./formats/easylm.ts";
import { regionOf } from "./formats/region.ts";
import { openGguf } from "./gguf.ts";
import { openHuggingFace } from "./hugging-face.ts";
import { metaShards, openMeta } from "./meta.ts";

/**
 * Opens the files of one model: Meta's, Hugging Face's, EasyLM's, or a GGUF file. Reads headers, vocabularies and settings; weights
 * are read when they are asked for, and nothing in a file is ever run. Throws `bad_file`, `truncated_file`, `bad_request` where a
 * file is missing, `unsupported_architecture`, `unsupported_tensor`, `unsupported_tokenizer`, and what the sources throw.
 */
export async function openCheckpoint(name: string, sources: readonly ByteSource[], signal?: AbortSignal): Promise<Checkpoint> {
  const folder = folderOf(sources);
  const [gguf, ...more] = sources.filter((source) => source.name.toLowerCase().endsWith(".gguf"));
  if (gguf && more.length === 0) return openGguf(gguf, signal);
  if (folder.has("config.json")) return openHuggingFace(name, folder, signal);
  if (metaShards(folder).length > 0) return openMeta(name, folder, signal);
  for (const source of sources) {
    const first = await regionOf(source).read(0, Math.min(4, source.sizeBytes), signal);
    if (looksLikeEasyLm(first)) return openEasyLm(name, source, folder, signal);
  }
  throw new EngineError(
    "bad_request",
    `No model is in these files: ${sources
      .slice(0, 5)
      .map((source) => source.name)
      .join(", ")}.`,
    "Choose weights and config.json (Hugging Face), consolidated.00.pth and params.json (Meta), or one EasyLM stream; with tokenizer.model.",
  );
}
