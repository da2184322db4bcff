// What is stored: the list, what a model takes, removing one, removing everything.
import { clear } from "idb-keyval";
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES } from "../engine/base/source.ts";
import type { StoredModel } from "../engine/base/wire.ts";
import { facts, persistently, weights } from "./database.ts";
import { heldModels } from "./locks.ts";
import { quantizationIn } from "./names.ts";
import { forgetModel, readRecord, readRecords, type ModelRecord } from "./records.ts";
import { forgetAllReadings, forgetReadings } from "./snapshots.ts";
import { bytesOf, isWhole, storedShards, type ShardIndex } from "./shards.ts";

/** The models in the store, whole ones and begun ones. Throws `storage_failed`. */
export async function listModels(): Promise<StoredModel[]> {
  const [records, shards, held] = await Promise.all([readRecords(), storedShards(), heldModels()]);
  const byId = new Map(records.map((record) => [record.id, record]));
  return records
    .filter(({ partOf }) => partOf === null)
    .map((record) => {
      const files = filesOf(record, byId);
      return { ...describe(record, files, shards), busy: held.has(record.id) };
    });
}

/** A stored model; null where there is none. Throws `storage_failed`. */
export async function findModel(id: string): Promise<StoredModel | null> {
  return (await listModels()).find((model) => model.id === id) ?? null;
}

/** Bytes of a model that are in the store; 0 where there are none, or where nothing can be read. */
export async function storedBytes(id: string): Promise<number> {
  try {
    const record = await readRecord(id);
    if (!record) return 0;
    const parts = await Promise.all(record.parts.map(readRecord));
    const files = record.parts.length > 0 ? parts.filter((part) => part !== null) : [record];
    return bytesIn(files, await storedShards());
  } catch (error) {
    if (error instanceof EngineError) return 0; // A file from disk runs without any storage.
    throw error;
  }
}

/** Removes a model's shards, and what it has read. A download of it that still runs ends with `aborted`. Throws `storage_failed`. */
export async function removeModel(id: string): Promise<void> {
  await forgetModel(id);
  await forgetReadings(id);
}

/** Removes all models, what they have read, facts and the app's offline files. Conversations and the service worker itself are the page's. */
export async function wipe(): Promise<void> {
  await persistently(() => clear(weights));
  await persistently(() => clear(facts));
  await forgetAllReadings();
  if (!("caches" in globalThis)) return;
  const ours = (await caches.keys()).filter((name) => name.startsWith("cria-"));
  await Promise.all(ours.map((name) => caches.delete(name)));
}

function describe(record: ModelRecord, files: readonly ModelRecord[], shards: ShardIndex): Omit<StoredModel, "busy"> {
  const { id, name, urls, sha256, origin, addedMs, parts } = record;
  const here = files.length === Math.max(1, parts.length);
  return {
    id,
    name,
    sizeBytes: record.sizeBytes,
    storedBytes: bytesIn(files, shards),
    complete: here && files.every((file) => isWhole(file, shards)),
    origin,
    url: urls[0] ?? null,
    sha256,
    verified: here && files.every(({ verified }) => verified),
    addedMs,
    parts: Math.max(1, parts.length),
    quantization: quantizationIn(name),
  };
}

/** The records of a model's files: its own, or those of its parts as far as they are there. */
function filesOf(record: ModelRecord, byId: ReadonlyMap<string, ModelRecord>): ModelRecord[] {
  if (record.parts.length === 0) return [record];
  return record.parts.map((part) => byId.get(part)).filter((part) => part !== undefined);
}

function bytesIn(files: readonly ModelRecord[], shards: ShardIndex): number {
  const inFile = ({ id, sizeBytes }: ModelRecord): number =>
    sizeBytes === 0 ? (shards.get(id)?.size ?? 0) * SHARD_BYTES : bytesOf(sizeBytes, shards.get(id));
  return files.reduce((sum, file) => sum + inFile(file), 0);
}
