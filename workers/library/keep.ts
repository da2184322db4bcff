// Copies a model from the user's disk into the store, so that it is there without the file.
import { readGguf } from "../engine/gguf/read.ts";
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES, shardCount, type ByteSource } from "../engine/base/source.ts";
import type { CatalogueEntry, LoadProgress } from "../engine/base/wire.ts";
import { openFiles } from "./files.ts";
import { runningSha256 } from "../store/checksum.ts";
import { withOffers } from "../store/full.ts";
import { Meter } from "../store/meter.ts";
import { findModel } from "../store/models.ts";
import { createModel } from "../store/writer.ts";

export interface KeepOptions {
  /** A copy of a model of the catalogue becomes that model. */
  readonly catalogue: readonly CatalogueEntry[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Copies files (one, or all of a split model, which becomes one file) and gives the model's key. Goes on where an earlier copy of the same
 * files ended. Throws `not_gguf`, `bad_file`, `disk_full`, `storage_failed`, `aborted`.
 */
export async function keepFiles(files: readonly File[], options: KeepOptions): Promise<string> {
  const { signal } = options;
  const source = await openFiles(files, signal);
  await readGguf(source, signal);
  const published = await publishedAs(source, options);
  const recipe = files.map(({ name, size, lastModified }) => `${name}:${String(size)}:${String(lastModified)}`).join(" ");
  const id = published?.id ?? `own:${recipe}`;
  if ((await findModel(id))?.complete) return id;
  return withOffers(id, async () => {
    const { name, sizeBytes } = source;
    const writer = await createModel({ id, name, origin: "file", sizeBytes, recipe }, signal);
    const meter = new Meter(writer.keptBytes, sizeBytes, options.onProgress);
    try {
      for (let index = writer.keptBytes / SHARD_BYTES; index < shardCount(sizeBytes); index++) {
        signal?.throwIfAborted();
        const bytes = await source.shard(index, signal);
        await writer.append(bytes);
        meter.arrived(index, bytes.length);
      }
      await writer.finish(published?.sha256);
    } finally {
      writer.close();
      meter.finish();
    }
    return id;
  });
}

/** The file of the catalogue that this is, by length and SHA-256; null for any other. */
async function publishedAs(source: ByteSource, options: KeepOptions): Promise<{ id: string; sha256: string } | null> {
  const files = options.catalogue.flatMap((entry) =>
    [entry, ...entry.variants].map(({ sizeBytes, sha256, quantization }, i) => ({
      id: i === 0 ? entry.id : `${entry.id}:${quantization}`,
      sizeBytes,
      sha256,
    })),
  );
  const alike = files.filter(({ sizeBytes, sha256 }) => sha256 !== null && sizeBytes === source.sizeBytes);
  if (alike.length === 0) return null;
  const hash = await runningSha256();
  for (let index = 0; index < shardCount(source.sizeBytes); index++) {
    if (options.signal?.aborted) throw new EngineError("aborted", "Stopped.");
    hash.update(await source.shard(index, options.signal));
  }
  const found = hash.finish();
  const id = alike.find(({ sha256 }) => sha256 === found)?.id;
  return id ? { id, sha256: found } : null;
}
