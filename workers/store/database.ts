// The two IndexedDB databases, one object store each, and patience with them.
import { createStore } from "idb-keyval";
import { EngineError } from "../engine/base/errors.ts";
import { diskFull } from "./room.ts";

/** Model files: their records, shards and the shards' checks. */
export const weights = createStore("cria-weights", "keyval");
/** Small facts. */
export const facts = createStore("cria-facts", "keyval");

/**
 * IndexedDB was seen to fail at random under load (DataError, NotReadableError): tries again before it gives up. Throws `disk_full`,
 * `storage_failed`.
 */
export async function persistently<T>(operation: () => Promise<T>): Promise<T> {
  let failure: unknown;
  for (const pauseMs of [20, 100, 500, 0]) {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof Error && error.name === "QuotaExceededError") throw await diskFull();
      failure = error;
      if (error instanceof Error && error.name === "SecurityError") break; // Site data are blocked: no patience helps.
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  const reason = failure instanceof Error ? `${failure.name}: ${failure.message}` : "no reason given";
  throw new EngineError(
    "storage_failed",
    `The browser's storage failed (${reason}).`,
    "Reload the page. Where site data are blocked, models cannot be kept: open a GGUF file from your disk.",
  );
}
