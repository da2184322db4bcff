// What is known of each model file that is kept or on its way.
import { del, delMany, get, keys, set } from "idb-keyval";
import { persistently, weights } from "./database.ts";
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

/** Key of a model's record. Its shards' keys have the id in second place, too. */
export const recordKey = (id: string): IDBValidKey => ["model", id];

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

/** Says whether what was read is a record of this version. */
export const isModelRecord = isRecordOf<ModelRecord>({
  id: "string",
  name: "string",
  urls: "strings",
  sizeBytes: "number",
  etag: "string?",
  sha256: "string?",
  verified: "boolean",
});
