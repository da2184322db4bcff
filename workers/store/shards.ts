// Shards in the store: a Blob and what it was when it arrived, written together and compared with every read.
import { delMany, getMany, keys, promisifyRequest } from "idb-keyval";
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES, shardCount } from "../engine/base/source.ts";
import { checksum, RunningChecksum, sha256 } from "./checksum.ts";
import { persistently, weights } from "./database.ts";
import { asModelRecord, recordKey, type ModelRecord } from "./records.ts";
import { isRecordOf } from "./shape.ts";

/** What a shard was when it arrived. */
export interface ShardCheck {
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of `checksum`: compared with every read. */
  readonly checksum: string;
}

/** A shard as it came back from the store, with what it was when it arrived; "damaged" where it is no longer that. */
export type StoredShard =
  | { readonly state: "whole"; readonly bytes: Uint8Array<ArrayBuffer>; readonly check: ShardCheck }
  | { readonly state: "damaged"; readonly check: ShardCheck }
  | { readonly state: "missing" };

const shardKey = (id: string, index: number): IDBValidKey => ["shard", id, index];
const checkKey = (id: string, index: number): IDBValidKey => ["check", id, index];

const isShardCheck = isRecordOf<ShardCheck>({ sizeBytes: "number", sha256: "string", checksum: "string" });

/** Which shards of which file are in the store, by the file's id. */
export type ShardIndex = ReadonlyMap<string, ReadonlySet<number>>;

/** Indices of the shards of each file that are in the store; of files without a record, too. */
export async function storedShards(): Promise<ShardIndex> {
  const shards = new Map<string, Set<number>>();
  for (const key of await persistently(() => keys<IDBValidKey>(weights))) {
    if (!Array.isArray(key) || key[0] !== "check") continue;
    const [, id, index] = key;
    if (typeof id !== "string" || typeof index !== "number") continue;
    shards.set(id, (shards.get(id) ?? new Set()).add(index));
  }
  return shards;
}

/** Reads a shard and compares it with its fast checksum. Throws `storage_failed`. */
export async function readShard(id: string, index: number): Promise<StoredShard> {
  const [shard, check] = await persistently(() => getMany<unknown>([shardKey(id, index), checkKey(id, index)], weights));
  if (!isShardCheck(check)) return { state: "missing" };
  try {
    const bytes = isKept(shard) ? await bytesIn(shard) : null;
    return bytes?.length === check.sizeBytes && checksum(bytes) === check.checksum
      ? { state: "whole", bytes, check }
      : { state: "damaged", check };
  } catch {
    return { state: "damaged", check }; // The entry is there, its file is not: seen under load.
  }
}

/**
 * A shard as it comes from the disk: pieces in order, each valid until the next is asked for. So a shard is read without the memory it takes,
 * and faster than as a whole: 57 ms for 98 MB where whole Blobs took 75 (Chromium, best of 9). Throws `damaged` after the last piece where
 * the bytes are not what was written (of a part, `from` … `to`: where some are missing), `storage_failed`.
 */
export async function* streamShard(
  id: string,
  index: number,
  from = 0,
  to = Infinity,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const [shard, check] = await persistently(() => getMany<unknown>([shardKey(id, index), checkKey(id, index)], weights));
  const sum = new RunningChecksum();
  let sizeBytes = 0;
  if (isShardCheck(check) && isKept(shard)) {
    try {
      const part = shard.slice(from, Math.min(to, check.sizeBytes));
      // Parts are read at once: with some two hundred short streams of parts a page twice stood still (Chromium 156), with reads it did not.
      const streams = part instanceof Blob && part.size === check.sizeBytes;
      for await (const piece of streams ? piecesIn(part) : [await bytesIn(part)]) {
        sum.add(piece);
        sizeBytes += piece.length;
        yield piece;
      }
    } catch {
      // told below: the entry is there, its file is not
    }
    const wanted = Math.min(to, check.sizeBytes) - from;
    if (sizeBytes === wanted && (wanted < check.sizeBytes || sum.hex === check.checksum)) return;
  }
  throw new EngineError(
    "damaged",
    `Shard ${String(index)} is no longer what was stored.`,
    "Load the model, which fetches it again.",
  );
}

/** A shard as it is kept, without reading it. Throws `damaged` where it is not there, `storage_failed`. */
export async function keptBlob(id: string, index: number): Promise<Blob> {
  const [shard] = await persistently(() => getMany<unknown>([shardKey(id, index)], weights));
  if (!isKept(shard))
    throw new EngineError("damaged", `Shard ${String(index)} is missing.`, "Load the model, which fetches it again.");
  return shard instanceof Blob ? shard : new Blob([shard]);
}

/**
 * Takes a shard's SHA-256, keeps both in one transaction, reads back and compares. False where the model was removed meanwhile.
 * Throws `disk_full`, `storage_failed`.
 */
export async function writeShard(record: ModelRecord, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const hash = await sha256(bytes);
  const check: ShardCheck = { sizeBytes: bytes.length, sha256: hash, checksum: checksum(bytes) };
  for (let attempt = 1; attempt <= 3; attempt++) {
    if (!(await putShard(record, index, bytes, check))) return false;
    const back = await readShard(record.id, index);
    if (back.state === "whole" && (await sha256(back.bytes)) === hash) return true;
    await forgetShard(record.id, index);
  }
  throw new EngineError(
    "storage_failed",
    `The browser's storage gave back shard ${String(index)} of ${record.name} changed, three times.`,
    "Close other tabs, free some disk space and try again.",
  );
}

/** Drops one shard. */
export async function forgetShard(id: string, index: number): Promise<void> {
  await persistently(() => delMany([checkKey(id, index), shardKey(id, index)], weights));
}

/** Whether all of a file is in the store, and compared with the published hash where there is one. */
export function isWhole({ id, sizeBytes, draft, sha256, verified }: ModelRecord, shards: ShardIndex): boolean {
  return !draft && shards.get(id)?.size === shardCount(sizeBytes) && (sha256 === null || verified);
}

/** Length of shard `index` of a file. */
export function shardBytes(sizeBytes: number, index: number): number {
  return Math.min(SHARD_BYTES, sizeBytes - index * SHARD_BYTES);
}

/** Bytes that a set of stored shards amounts to. */
export function bytesOf(sizeBytes: number, shards: ReadonlySet<number> | undefined): number {
  const indices = [...(shards ?? [])].filter((index) => index < shardCount(sizeBytes));
  return indices.reduce((sum, index) => sum + shardBytes(sizeBytes, index), 0);
}

/** Shards are kept as Blobs, which come back twice as fast; as plain buffers where that fails. */
type Kept = Blob | ArrayBuffer;

/** WebKit keeps no Blobs in private windows: known after the first try. */
let keepsBlobs = true;

function isKept(value: unknown): value is Kept {
  return value instanceof Blob || value instanceof ArrayBuffer;
}

async function bytesIn(kept: Kept): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(kept instanceof Blob ? await persistently(() => kept.arrayBuffer()) : kept);
}

/** Bytes of a piece of a stream, a multiple of 16. */
const PIECE_BYTES = 2 ** 20;

/** Buffers of pieces that were read. Of a large model hundreds would else lie about: nothing tells the garbage collector how large they are. */
const spares: ArrayBuffer[] = [];
const MOST_SPARES = 6; // two shards are read at a time

/** A stream that gives nothing for so long is given up. */
const STALL_MS = 2000;

/**
 * A Blob in pieces, the next one on its way while one is looked at; the rest as one piece where the browser can't stream into our memory,
 * or stops doing so.
 */
async function* piecesIn(blob: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const reader = readerOf(blob);
  if (!reader) return yield new Uint8Array(await blob.arrayBuffer());
  let next = fill(reader, takeSpare());
  let spare = takeSpare();
  let at = 0;
  try {
    while (at < blob.size) {
      const bytes = await within(STALL_MS, next);
      if (!bytes) return yield new Uint8Array(await blob.slice(at).arrayBuffer());
      if (bytes.length === 0) return;
      at += bytes.length;
      const isLast = at === blob.size;
      if (!isLast) {
        next = fill(reader, spare);
        next.catch(() => null); // heard of in its turn
      }
      yield bytes;
      if (isLast) keepSpares(spare, bytes.buffer);
      else spare = bytes.buffer;
    }
  } finally {
    reader.cancel().catch(() => null); // it may have ended, or failed
  }
}

function takeSpare(): ArrayBuffer {
  return spares.pop() ?? new ArrayBuffer(PIECE_BYTES);
}

function keepSpares(...buffers: readonly ArrayBuffer[]): void {
  for (const buffer of buffers) if (spares.length < MOST_SPARES && buffer.byteLength === PIECE_BYTES) spares.push(buffer);
}

/** What a promise gives in time; null later. */
async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, milliseconds, null)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function readerOf(blob: Blob): ReadableStreamBYOBReader | null {
  try {
    return blob.stream().getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

/** As many bytes as fit into the buffer, fewer at the end. */
async function fill(reader: ReadableStreamBYOBReader, buffer: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
  let filled = 0;
  while (filled < PIECE_BYTES) {
    const { value, done } = await reader.read(new Uint8Array(buffer, filled, PIECE_BYTES - filled));
    if (!value) break; // cancelled
    buffer = value.buffer;
    filled += value.length;
    if (done) break;
  }
  return new Uint8Array(buffer, 0, filled);
}

async function putShard(record: ModelRecord, index: number, bytes: Uint8Array<ArrayBuffer>, check: ShardCheck): Promise<boolean> {
  try {
    if (keepsBlobs) return await persistently(() => put(record, index, new Blob([bytes]), check));
  } catch (error) {
    if (error instanceof EngineError && error.code === "disk_full") throw error;
    keepsBlobs = false;
  }
  return persistently(() => put(record, index, bytes.slice().buffer, check));
}

/** Writes only while the model has its record: a shard that arrives after a removal would stay for ever. */
function put(record: ModelRecord, index: number, shard: Kept, check: ShardCheck): Promise<boolean> {
  return weights("readwrite", async (store) => {
    const kept = asModelRecord(await promisifyRequest<unknown>(store.get(recordKey(record.id))));
    if (kept?.sizeBytes !== record.sizeBytes) return false;
    store.put(shard, shardKey(record.id, index));
    store.put(check, checkKey(record.id, index));
    await promisifyRequest(store.transaction);
    return true;
  });
}
