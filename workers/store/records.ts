// The two databases: what is kept of a model file, shard by shard, and small facts. Everybody reads and writes through here.
import { clear, createStore, del, delMany, get, getMany, keys, promisifyRequest, set } from "idb-keyval";
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES, shardCount } from "../engine/base/source.ts";
import { checksum } from "./checksum.ts";
import { diskFull } from "./room.ts";
import { isRecordOf } from "./shape.ts";

/** A model file that is kept, or on its way. */
export interface ModelRecord {
  readonly id: string;
  /** File name, for people. */
  readonly name: string;
  /** Absolute; where it was found first, then where else it may be. */
  readonly urls: readonly string[];
  readonly sizeBytes: number;
  /** The first URL's ETag when the download began; null where the host has none or hides it. */
  readonly etag: string | null;
  /** Lower-case hex, where it is published. */
  readonly sha256: string | null;
  /** The whole file has the published hash. */
  readonly verified: boolean;
}

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

const weights = createStore("cria-weights", "keyval");
const facts = createStore("cria-facts", "keyval");

const recordKey = (id: string): IDBValidKey => ["model", id];
const shardKey = (id: string, index: number): IDBValidKey => ["shard", id, index];
const checkKey = (id: string, index: number): IDBValidKey => ["check", id, index];

/** The record of a model; null where none is kept, or none that this version understands. */
export async function readRecord(id: string): Promise<ModelRecord | null> {
  const found = await persistently(() => get<unknown>(recordKey(id), weights));
  return isModelRecord(found) ? found : null;
}

/** Keeps a record. Throws `disk_full`, `storage_failed`. */
export async function writeRecord(record: ModelRecord): Promise<void> {
  await persistently(() => set(recordKey(record.id), record, weights));
}

/** All records. */
export async function readRecords(): Promise<ModelRecord[]> {
  const all = await persistently(() => keys<IDBValidKey>(weights));
  const ids = all.flatMap((key) => (Array.isArray(key) && key[0] === "model" && typeof key[1] === "string" ? [key[1]] : []));
  const records = await Promise.all(ids.map(readRecord));
  return records.filter((record) => record !== null);
}

/** Indices of the shards of each model that are in the store, by model id; of models without a record, too. */
export async function storedShards(): Promise<Map<string, Set<number>>> {
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
  const [blob, check] = await persistently(() => getMany<unknown>([shardKey(id, index), checkKey(id, index)], weights));
  if (!isShardCheck(check)) return { state: "missing" };
  if (!(blob instanceof Blob) || blob.size !== check.sizeBytes) return { state: "damaged", check };
  try {
    const bytes = new Uint8Array(await persistently(() => blob.arrayBuffer()));
    return checksum(bytes) === check.checksum ? { state: "whole", bytes, check } : { state: "damaged", check };
  } catch {
    return { state: "damaged", check }; // The entry is there, its file is not: seen under load.
  }
}

/** A piece of a stored shard, unchecked; null where it is not stored. */
export async function readSlice(id: string, index: number, start: number, end: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const blob = await persistently(() => get<unknown>(shardKey(id, index), weights));
  return blob instanceof Blob ? new Uint8Array(await persistently(() => blob.slice(start, end).arrayBuffer())) : null;
}

/**
 * Keeps a shard and its check in one transaction, and reads it back. False where the model was removed meanwhile.
 * Throws `disk_full`, `storage_failed`.
 */
export async function writeShard(
  record: ModelRecord,
  index: number,
  bytes: Uint8Array<ArrayBuffer>,
  sha256: string,
): Promise<boolean> {
  const check: ShardCheck = { sizeBytes: bytes.length, sha256, checksum: checksum(bytes) };
  for (let attempt = 1; attempt <= 3; attempt++) {
    const kept = await persistently(() => putShard(record, index, new Blob([bytes]), check));
    if (!kept) return false;
    const back = await readShard(record.id, index);
    if (back.state === "whole" && back.check.sha256 === sha256) return true;
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

/** Drops a model: its record first, so that shards still arriving are not kept. */
export async function forgetModel(id: string): Promise<void> {
  await persistently(() => del(recordKey(id), weights));
  const all = await persistently(() => keys<IDBValidKey>(weights));
  await persistently(() =>
    delMany(
      all.filter((key) => Array.isArray(key) && key[0] !== "model" && key[1] === id),
      weights,
    ),
  );
}

/** Empties both databases. */
export async function forgetEverything(): Promise<void> {
  await persistently(() => clear(weights));
  await persistently(() => clear(facts));
}

/** A small fact by its key; null where none is kept. */
export async function recall(key: string): Promise<unknown> {
  return (await persistently(() => get<unknown>(key, facts))) ?? null;
}

/** Keeps a small fact; null forgets it. */
export async function remember(key: string, fact: unknown): Promise<void> {
  await persistently(() => (fact === null ? del(key, facts) : set(key, fact, facts)));
}

/** Keys of the facts that begin so. */
export async function factKeys(prefix: string): Promise<string[]> {
  const all = await persistently(() => keys<IDBValidKey>(facts));
  return all.filter((key) => typeof key === "string").filter((key) => key.startsWith(prefix));
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

/** Writes only while the model has its record: a shard that arrives after a removal would stay for ever. */
function putShard(record: ModelRecord, index: number, blob: Blob, check: ShardCheck): Promise<boolean> {
  return weights("readwrite", async (store) => {
    const kept = await promisifyRequest<unknown>(store.get(recordKey(record.id)));
    if (!isModelRecord(kept) || kept.sizeBytes !== record.sizeBytes) return false;
    store.put(blob, shardKey(record.id, index));
    store.put(check, checkKey(record.id, index));
    await promisifyRequest(store.transaction);
    return true;
  });
}

/** IndexedDB was seen to fail at random under load (DataError, NotReadableError): tries again before it gives up. */
async function persistently<T>(operation: () => Promise<T>): Promise<T> {
  let failure: unknown;
  for (const pauseMs of [20, 100, 500, 0]) {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof Error && error.name === "QuotaExceededError") throw await diskFull();
      failure = error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  const reason = failure instanceof Error ? `${failure.name}: ${failure.message}` : "no reason given";
  throw new EngineError(
    "storage_failed",
    `The browser's storage failed four times (${reason}).`,
    "Reload the page. In a private window, or with site data blocked, models cannot be kept.",
  );
}

const isModelRecord = isRecordOf<ModelRecord>({
  id: "string",
  name: "string",
  urls: "strings",
  sizeBytes: "number",
  etag: "string?",
  sha256: "string?",
  verified: "boolean",
});

const isShardCheck = isRecordOf<ShardCheck>({ sizeBytes: "number", sha256: "string", checksum: "string" });
