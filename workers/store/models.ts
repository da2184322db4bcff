// What is stored: the list, what a model takes, removing one, removing everything.
import { clear } from "idb-keyval";
import { EngineError } from "../engine/base/errors.ts";
import type { StoredModel } from "../engine/base/wire.ts";
import { facts, persistently, weights } from "./database.ts";
import { forgetModel, readRecord, readRecords } from "./records.ts";
import { bytesOf, storedShards } from "./shards.ts";

/** The models in the store, whole ones and begun ones. Throws `storage_failed`. */
export async function listModels(): Promise<StoredModel[]> {
  const [records, shards] = [await readRecords(), await storedShards()];
  return records.map(({ id, name, sizeBytes }) => ({ id, name, sizeBytes, storedBytes: bytesOf(sizeBytes, shards.get(id)) }));
}

/** Bytes of a model that are in the store; 0 where there are none, or where nothing can be read. */
export async function storedBytes(id: string): Promise<number> {
  try {
    const record = await readRecord(id);
    return record ? bytesOf(record.sizeBytes, (await storedShards()).get(id)) : 0;
  } catch (error) {
    if (error instanceof EngineError) return 0; // A file from disk runs without any storage.
    throw error;
  }
}

/** Removes a model's shards. A download of it that still runs ends with `aborted`. Throws `storage_failed`. */
export async function removeModel(id: string): Promise<void> {
  await forgetModel(id);
}

/** Removes all models, facts and the app's offline files. Conversations and the service worker itself are the page's. */
export async function wipe(): Promise<void> {
  await persistently(() => clear(weights));
  await persistently(() => clear(facts));
  if (!("caches" in globalThis)) return;
  const ours = (await caches.keys()).filter((name) => name.startsWith("cria-"));
  await Promise.all(ours.map((name) => caches.delete(name)));
}
