// How much room the browser leaves, as far as it says, and the error when there is none.
import { EngineError } from "../engine/base/errors.ts";

/** Free storage as the browser estimates it; null where it doesn't say. Only a failed write knows better. */
export async function freeBytes(): Promise<number | null> {
  const { quota, usage } = await estimate();
  return quota === undefined ? null : Math.max(0, quota - (usage ?? 0));
}

/** Whether the browser keeps the site's data also when the disk runs full. */
export async function isPersistent(): Promise<boolean> {
  if (!("storage" in navigator) || !("persisted" in navigator.storage)) return false;
  return navigator.storage.persisted().catch(() => false);
}

/** The error of a write that the browser refused. */
export async function diskFull(): Promise<EngineError> {
  const { quota, usage } = await estimate();
  const numbers =
    quota === undefined || usage === undefined ? "" : `: ${gigabytes(usage)} of about ${gigabytes(quota)} are in use`;
  return new EngineError(
    "disk_full",
    `The browser refused to store more for this site${numbers}.`,
    "Remove a stored model or free space on the disk, then go on: what has arrived is kept.",
  );
}

/** What the browser says of the room that this site has. */
export async function estimate(): Promise<StorageEstimate> {
  if (!("storage" in navigator) || !("estimate" in navigator.storage)) return {};
  return navigator.storage.estimate().catch(() => ({}));
}

/** "1.20 GB", for people. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 0)} GB`;
}
