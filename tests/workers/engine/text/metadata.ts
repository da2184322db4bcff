// Metadata from a plain object, for tests that write their own vocabulary.
import type { Metadata } from "../../../../workers/engine/base/metadata.ts";

type Value = string | number | boolean | readonly string[] | readonly number[];

/** Metadata with these values; the kinds are believed. */
export function memoryMetadata(values: Readonly<Record<string, Value>>): Metadata {
  const read = (key: string): never => (values[key] ?? null) as never;
  return { text: read, number: read, flag: read, numbers: read, texts: read };
}
