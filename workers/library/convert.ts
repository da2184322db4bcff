// Converts models of other forms into GGUF files of the store: looked at first, then written shard by shard, gone on with after a kill.
import { openCheckpoints, type OpenedCheckpoint } from "./checkpoints.ts";
import type { Surroundings } from "./sources.ts";
import type { CheckpointPreview, CheckpointRequest, ConversionRequest, SumCheck } from "../engine/base/conversion.ts";
import { EngineError } from "../engine/base/errors.ts";
import type { StoreProgress } from "../engine/base/storage.ts";
import { FORMATS } from "../engine/chat/template.ts";
import type { Checkpoint } from "../engine/checkpoint/checkpoint.ts";
import { RECIPES } from "../engine/checkpoint/difference.ts";
import { checkSum } from "../engine/checkpoint/sum.ts";
import { convertedFile, type ConvertedFile } from "../engine/convert/file.ts";
import { isTarget, OFFERED, targetName } from "../engine/convert/types.ts";
import { readModelFile } from "../engine/model-file.ts";
import { sha256 } from "../store/checksum.ts";
import { withOffers } from "../store/full.ts";
import { Meter } from "../store/meter.ts";
import { findModel } from "../store/models.ts";
import { createModel } from "../store/writer.ts";

/** Converted and handed to the store at a time: a stop is obeyed between two. */
const PIECE_BYTES = 4 * 1024 * 1024;

export interface ConvertOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: StoreProgress) => void) | undefined;
}

/** A conversion that came to its end. */
export interface Converted {
  /** Key in the store. */
  readonly id: string;
  readonly check: SumCheck | null;
}

/**
 * Looks at a model's files without reading its weights. Throws `bad_request` where one is missing, `bad_file`, `truncated_file`,
 * `unsupported_architecture`, `unsupported_tokenizer`, `unsupported_tensor`, and what hosts throw.
 */
export async function inspect(
  request: CheckpointRequest,
  surroundings: Surroundings,
  signal?: AbortSignal,
): Promise<CheckpointPreview> {
  const { checkpoint, sizeBytes } = await openCheckpoints(request, surroundings, signal);
  const { config, tensors } = checkpoint;
  // Reading the file it would become makes sure that it runs, and tells how it is to be talked to.
  const file = await readModelFile(convertedFile(checkpoint, { target: "F16", family: null }), signal);
  return {
    format: checkpoint.format,
    parameters: [...tensors.values()].reduce((sum, { rows, cols }) => sum + rows * cols, 0),
    layers: config.layers,
    dim: config.dim,
    contextLength: config.contextLength,
    sizeBytes,
    targets: OFFERED.map((id) => ({
      id,
      name: targetName(id),
      sizeBytes: convertedFile(checkpoint, { target: id, family: null }).sizeBytes,
    })),
    recipes: Object.entries(RECIPES).map(([id, { name }]) => ({ id, name })),
    promptFormats: FORMATS,
    promptFormat: file.template.format,
  };
}

/**
 * Converts into the store. The same request on the same files goes on where it was broken off, and does nothing where it was done. Throws as
 * `inspect`, and `disk_full`, `storage_failed`, `aborted`.
 */
export async function convert(
  request: ConversionRequest,
  surroundings: Surroundings,
  { signal, onProgress }: ConvertOptions,
): Promise<Converted> {
  const { target, promptFormat, contextLength } = request;
  if (!isTarget(target)) {
    throw new EngineError("bad_request", `There is no conversion to "${target}".`, `Choose one of: ${OFFERED.join(", ")}.`);
  }
  const opened = await openCheckpoints(request, surroundings, signal);
  const file = convertedFile(withContext(opened.checkpoint, contextLength), { target, family: promptFormat });
  await readModelFile(file, signal); // what would not run is not written
  const recipe = await keyOf(file, opened);
  const id = `own:${file.name}:${recipe.slice(0, 16)}`;
  const check = opened.recipe && (await checkSum(opened.checkpoint, opened.recipe, { signal }));
  if (!(await findModel(id))?.complete) await withOffers(id, () => write(file, id, recipe, { signal, onProgress }));
  return { id, check };
}

async function write(file: ConvertedFile, id: string, recipe: string, { signal, onProgress }: ConvertOptions): Promise<void> {
  const { name, sizeBytes } = file;
  const writer = await createModel({ id, name, origin: "conversion", sizeBytes, recipe }, signal);
  const meter = new Meter(writer.keptBytes, sizeBytes, onProgress);
  try {
    for (let at = writer.keptBytes; at < sizeBytes; at += PIECE_BYTES) {
      if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
      const bytes = await file.read(at, PIECE_BYTES, signal);
      await writer.append(bytes);
      meter.arrived(0, at + bytes.length - writer.keptBytes);
    }
    await writer.finish();
  } finally {
    writer.close();
    meter.finish();
  }
}

/** Tells a conversion from every other: its header has the target, the numbers and the vocabulary; the files have names and dates. */
async function keyOf(file: ConvertedFile, { fingerprint, recipe }: OpenedCheckpoint): Promise<string> {
  const header = await sha256(file.header);
  return sha256(new TextEncoder().encode([header, fingerprint, recipe?.name ?? ""].join("\n")));
}

function withContext(checkpoint: Checkpoint, contextLength: number | null): Checkpoint {
  return contextLength === null ? checkpoint : { ...checkpoint, config: { ...checkpoint.config, contextLength } };
}
