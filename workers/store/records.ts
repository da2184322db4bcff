// What is known of each model file that is kept or on its way.
import { get, keys, promisifyRequest, set } from "idb-keyval";
import type { ModelOrigin } from "../engine/base/wire.ts";
import { persistently, weights } from "./database.ts";
import { isRecordOf } from "./shape.ts";

/** A model file that is kept, or on its way; or a split model, whose files have records of their own. */
export interface ModelRecord {
  readonly id: string;
  /** File name, for people. */
  readonly name: string;
  /** Absolute; where it was found first, then where else it may be. Empty where it came from no server. */
  readonly urls: readonly string[];
  /** Length of the file; 0 while a file that is being made does not know its own. */
  readonly sizeBytes: number;
  /**
   * What tells this file from another under the same address: the first URL's ETag when the download began (null where the host has none or
   * hides it), or the writer's own description of what it makes.
   */
  readonly etag: string | null;
  /** Lower-case hex, where it is published. */
  readonly sha256: string | null;
  /** The whole file has the published hash. */
  readonly verified: boolean;
  readonly origin: ModelOrigin;
  /** When it was begun, in milliseconds since 1970; null for files of earlier versions. */
  readonly addedMs: number | null;
  /** It is being copied or made here, and its end is not written yet. */
  readonly draft: boolean;
  /** Records of a split model's files, in order; empty for a file. */
  readonly parts: readonly string[];
  /** The split model whose file this is; else null. */
  readonly partOf: string | null;
}

/** What a record says where it doesn't: of a whole file from a server. */
export const RECORD = {
  etag: null,
  sha256: null,
  verified: false,
  origin: "address",
  addedMs: null,
  draft: false,
  parts: [],
  partOf: null,
} as const satisfies Partial<ModelRecord>;

/** Key of a model's record. Its shards' keys have the id in second place, too. */
export const recordKey = (id: string): IDBValidKey => ["model", id];

/** The record of a model; null where none is kept, or none that this version understands. */
export async function readRecord(id: string): Promise<ModelRecord | null> {
  return asModelRecord(await persistently(() => get<unknown>(recordKey(id), weights)));
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

/** Drops a model with all its files, in one transaction: a browser that dies meanwhile has kept it whole or has nothing of it left. */
export async function forgetModel(id: string): Promise<void> {
  await persistently(() =>
    weights("readwrite", async (store) => {
      const record = asModelRecord(await promisifyRequest<unknown>(store.get(recordKey(id))));
      for (const file of [id, ...(record?.parts ?? [])]) {
        store.delete(recordKey(file));
        // An array sorts behind any number: all shards lie between.
        for (const kind of ["shard", "check"]) store.delete(IDBKeyRange.bound([kind, file], [kind, file, []]));
      }
      await promisifyRequest(store.transaction);
    }),
  );
}

/** What was read as a record, the fields that earlier versions did not have filled in; null where it is none. */
export function asModelRecord(found: unknown): ModelRecord | null {
  const record: unknown = typeof found === "object" && found !== null ? { ...RECORD, ...found } : null;
  return isModelRecord(record) ? record : null;
}

const isModelRecord = isRecordOf<ModelRecord>({
  id: "string",
  name: "string",
  urls: "strings",
  sizeBytes: "number",
  etag: "string?",
  sha256: "string?",
  verified: "boolean",
  origin: "string",
  addedMs: "number?",
  draft: "boolean",
  parts: "strings",
  partOf: "string?",
});
