// stories260K with an adapter in its weights, as a GGUF file.
import { mergeAdapter } from "../../../../workers/engine/adapters/merge.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import type { Target } from "../../../../workers/engine/convert/types.ts";
import { FRAME, golden } from "./golden.ts";

/** The merged model, its matrices as `target`. */
export async function mergedModel(files: readonly ByteSource[], target: Target, scale = 1): Promise<ByteSource> {
  const base = await openCheckpoint("stories", golden("stories260K.f32.gguf"));
  return convertedFile(mergeAdapter(base, await openAdapter(files, FRAME), scale), { target, family: null });
}
