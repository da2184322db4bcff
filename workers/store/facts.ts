// Small facts worth keeping between visits: measured speeds, crashes. Shortcuts only: where storage fails, nothing is known, and all goes on.
import { del, get, keys, set } from "idb-keyval";
import { EngineError } from "../engine/base/errors.ts";
import { facts, persistently } from "./database.ts";

/** A fact by its key; null where none is kept. */
export async function recall(key: string): Promise<unknown> {
  return (await orNull(() => get<unknown>(key, facts))) ?? null;
}

/** Keeps a fact; null forgets it. */
export async function remember(key: string, fact: unknown): Promise<void> {
  await orNull(() => (fact === null ? del(key, facts) : set(key, fact, facts)));
}

/** Keys of the facts that begin so. */
export async function factKeys(prefix: string): Promise<string[]> {
  const all = await orNull(() => keys<IDBValidKey>(facts));
  return (all ?? []).filter((key) => typeof key === "string").filter((key) => key.startsWith(prefix));
}

async function orNull<T>(operation: () => Promise<T>): Promise<T | null> {
  try {
    return await persistently(operation);
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}
