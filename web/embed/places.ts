// Sites and hosts by the names that visitors know them by.
import type { CatalogueEntry } from "../../workers/engine/base/wire.ts";

/** The host of the page around the frame; words for one that has none, as sandboxed pages and files. */
export function siteName(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "this page";
}

/** The hosts that a model may come from; an id of a hub, "owner/name", is Hugging Face's. */
export function placesOf(entry: CatalogueEntry | null, address: string | null): string[] {
  const addresses = entry?.urls ?? (address === null ? [] : [address]);
  const hosts = addresses.map((each) => (URL.canParse(each) ? new URL(each).host : "huggingface.co"));
  return [...new Set(hosts)];
}

/** The day that budgets count by: the calendar's, in UTC, as "2026-11-23". */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
