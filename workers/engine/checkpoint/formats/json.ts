// JSON of strangers: read once, asked by type.
import type { ByteSource } from "../../base/source.ts";
import { damaged } from "./errors.ts";
import { readWhole } from "./region.ts";

/** A JSON object. Fields of another type than asked for count as absent: config files are full of them. */
export class Fields {
  constructor(
    /** File it came from, for people. */
    readonly file: string,
    private readonly values: ReadonlyMap<string, unknown>,
  ) {}

  get keys(): readonly string[] {
    return [...this.values.keys()];
  }

  has(key: string): boolean {
    return (this.values.get(key) ?? null) !== null;
  }

  text(key: string): string | null {
    const value = this.values.get(key);
    return typeof value === "string" ? value : null;
  }

  number(key: string): number | null {
    const value = this.values.get(key);
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  }

  flag(key: string): boolean | null {
    const value = this.values.get(key);
    return typeof value === "boolean" ? value : null;
  }

  list(key: string): readonly unknown[] | null {
    const value = this.values.get(key);
    return Array.isArray(value) ? value : null;
  }

  fields(key: string): Fields | null {
    return fieldsOf(this.file, this.values.get(key));
  }

  /** A number above zero. Throws `bad_file` where there is none. */
  positive(key: string): number {
    const value = this.number(key);
    if (value !== null && value > 0) return value;
    throw damaged(this.file, `its "${key}" is ${JSON.stringify(this.values.get(key) ?? null)}`);
  }
}

/** An object's fields; null for anything else. */
export function fieldsOf(file: string, value: unknown): Fields | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return new Fields(file, new Map<string, unknown>(Object.entries(value)));
}

/** Parses the JSON object in these bytes. Throws `bad_file`. */
export function parseFields(file: string, bytes: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged(file, `it is no JSON (${error instanceof Error ? error.message.slice(0, 120) : "?"})`);
  }
  const fields = fieldsOf(file, value);
  if (!fields) throw damaged(file, "it holds no JSON object");
  return fields;
}

/** The object in a JSON file. Throws `bad_file`. */
export async function readFields(source: ByteSource, signal?: AbortSignal): Promise<Fields> {
  return parseFields(source.name, await readWhole(source, signal));
}
