// One shard: from the store if it is there and whole, else from the server into the store. The service worker and the engine's worker run
// the same code; a lock per shard keeps them, and all tabs, from fetching it twice.
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES } from "../engine/base/source.ts";
import { fetchRange, type RemoteFile, type RequestOptions } from "./http.ts";
import { alone } from "./locks.ts";
import type { ModelRecord } from "./records.ts";
import { readShard, shardBytes, writeShard } from "./shards.ts";

export interface ShardOptions extends RequestOptions {
  /** Hears how many bytes of the shard have arrived. */
  readonly onBytes?: ((arrived: number) => void) | undefined;
}

/** A shard that is in the store now. Throws as `fetchRange` and `writeShard` do, `aborted` where the model was removed meanwhile. */
export async function obtainShard(record: ModelRecord, index: number, options: ShardOptions): Promise<Uint8Array<ArrayBuffer>> {
  return alone(`cria-shard ${record.id} ${String(index)}`, options.signal, async () => {
    const stored = await readShard(record.id, index);
    if (stored.state === "whole") return stored.bytes;
    const bytes = await fetchShard(record, index, options);
    await keepShard(record, index, bytes);
    return bytes;
  });
}

/** A shard as the server has it now, whatever is stored. From the first URL that gives it. */
export async function fetchShard(record: ModelRecord, index: number, options: ShardOptions): Promise<Uint8Array<ArrayBuffer>> {
  const start = index * SHARD_BYTES;
  return firstOf(hostsOf(record), (url) =>
    fetchRange(fileAt(record, url), start, start + shardBytes(record.sizeBytes, index), options),
  );
}

/** Puts a shard into the store; throws `aborted` where its model was removed meanwhile. */
export async function keepShard(record: ModelRecord, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (!(await writeShard(record, index, bytes)))
    throw new EngineError("aborted", `${record.name} was removed while it was downloaded.`);
}

/** Where a file's bytes may come from: without a published hash nobody knows that two hosts have the same file. */
export function hostsOf(record: ModelRecord): readonly string[] {
  return record.sha256 === null ? record.urls.slice(0, 1) : record.urls;
}

/** The file behind one of a record's URLs. Only the first is known by its ETag. */
export function fileAt(record: ModelRecord, url: string): RemoteFile {
  return { url, sizeBytes: record.sizeBytes, etag: url === record.urls[0] ? record.etag : null };
}

/** Tries URLs in turn; the last one's error counts. What no other host can mend (a full disk, a stop) ends it at once. */
export async function firstOf<T>(urls: readonly string[], attempt: (url: string) => Promise<T>): Promise<T> {
  let failure: unknown = new EngineError("not_found", "No address is known for this model.", "Open its file from disk.");
  for (const url of urls) {
    try {
      return await attempt(url);
    } catch (error) {
      const elsewhere =
        error instanceof EngineError &&
        ["not_found", "unauthorized", "no_ranges", "cross_origin", "network"].includes(error.code);
      if (!elsewhere) throw error;
      failure = error;
    }
  }
  throw failure;
}
