// What is stored: the list, what a model takes, removing one, removing everything.
import type { StoredModel } from "../engine/base/wire.ts";
import { bytesOf, forgetEverything, forgetModel, readRecord, readRecords, storedShards } from "./records.ts";

/** The models in the store, whole ones and begun ones. Throws `storage_failed`. */
export async function listModels(): Promise<StoredModel[]> {
  const [records, shards] = [await readRecords(), await storedShards()];
  return records.map(({ id, name, sizeBytes }) => ({ id, name, sizeBytes, storedBytes: bytesOf(sizeBytes, shards.get(id)) }));
}

/** Bytes of a model that are in the store; 0 where there are none. Throws `storage_failed`. */
export async function storedBytes(id: string): Promise<number> {
  const record = await readRecord(id);
  return record ? bytesOf(record.sizeBytes, (await storedShards()).get(id)) : 0;
}

/** Removes a model's shards. A download of it that still runs ends with `aborted`. Throws `storage_failed`. */
export async function removeModel(id: string): Promise<void> {
  await forgetModel(id);
}

/** Removes all models, facts and the app's offline files. Conversations and the service worker itself are the page's. */
export async function wipe(): Promise<void> {
  await forgetEverything();
  if (!("caches" in globalThis)) return;
  const ours = (await caches.keys()).filter((name) => name.startsWith("cria-"));
  await Promise.all(ours.map((name) => caches.delete(name)));
}
