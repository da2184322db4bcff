// A stored model as a file: written to a place that the person chose, or as a Blob for the browser's downloads.
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES, shardCount, type ByteSource } from "../engine/base/source.ts";
import type { LoadProgress } from "../engine/base/wire.ts";
import type { JoinedSource } from "../engine/gguf/join.ts";
import { Meter } from "../store/meter.ts";
import { keptBlob } from "../store/shards.ts";

export interface ExportOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Writes a model into a file, shard by shard, each checked on the way; a split model becomes one file. The browser puts the new content in
 * place at the end: a tab that dies before leaves the file as it was. Throws what reading throws, `disk_full`, `aborted`.
 */
export async function writeTo(source: ByteSource, target: FileSystemFileHandle, options: ExportOptions): Promise<void> {
  const stream = await target.createWritable().catch(asOurs);
  try {
    await eachShard(source, options, (bytes) => stream.write(bytes).catch(asOurs));
    await stream.close().catch(asOurs);
  } catch (error) {
    await stream.abort().catch(() => undefined); // a stream that failed has ended by itself
    throw error;
  }
}

/**
 * Checks a model and gives it as a Blob that refers to the stored shards. `ids` are the keys of its files in the store. Throws what reading
 * throws, `aborted`.
 */
export async function gather(source: ByteSource, ids: readonly string[], options: ExportOptions): Promise<Blob> {
  await eachShard(source, options, () => undefined);
  const files = await Promise.all(ids.map(blobOf));
  if (!isJoined(source)) return files[0]!;
  return new Blob(
    source.stretches.map((stretch) =>
      "bytes" in stretch ? stretch.bytes : files[stretch.part]!.slice(stretch.from, stretch.to),
    ),
  );

  async function blobOf(id: string, part: number): Promise<Blob> {
    const { sizeBytes } = isJoined(source) ? source.parts[part]! : source;
    const shards = Array.from({ length: shardCount(sizeBytes) }, (_, index) => keptBlob(id, index));
    return new Blob(await Promise.all(shards), { type: "application/octet-stream" });
  }
}

async function eachShard(
  source: ByteSource,
  { signal, onProgress }: ExportOptions,
  take: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | undefined,
): Promise<void> {
  const meter = new Meter(0, source.sizeBytes, onProgress);
  for (let index = 0; index < shardCount(source.sizeBytes); index++) {
    if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
    const bytes = await source.shard(index, signal);
    await take(bytes);
    meter.arrived(index, Math.min(SHARD_BYTES, bytes.length));
  }
  meter.finish();
}

function isJoined(source: ByteSource): source is JoinedSource {
  return "stretches" in source;
}

function asOurs(error: unknown): never {
  const name = error instanceof Error ? error.name : "";
  if (name === "QuotaExceededError")
    throw new EngineError(
      "disk_full",
      "There is no room for the file where it was to go.",
      "Choose another place, or free space there.",
    );
  if (name === "NotAllowedError" || name === "NoModificationAllowedError" || name === "NotFoundError")
    throw new EngineError("storage_failed", `The file cannot be written (${name}).`, "Choose another place for it.");
  throw error;
}
