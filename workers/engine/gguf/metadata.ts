// The key-value pairs of a GGUF file, read by type.
import type { Metadata } from "../base/metadata.ts";
import { badFile } from "./header.ts";

/** A value as GGUF has it: text, number, flag, or an array of texts, or of numbers and flags. */
export type Value = string | number | boolean | readonly string[] | Float64Array;

/** Characters of a value that are worth showing. */
const LONGEST = 240;

/** What a file says of its model. A key that is not there gives null; one of another type throws `bad_file`. */
export class KeyValues implements Metadata {
  constructor(private readonly values: ReadonlyMap<string, Value>) {}

  /** All keys, in the order of the file. */
  get keys(): readonly string[] {
    return [...this.values.keys()];
  }

  /** A value in words for people: long texts and lists are cut. */
  describe(key: string): string {
    const value = this.values.get(key);
    if (typeof value !== "object") return cut(String(value ?? ""));
    return `${value.length.toLocaleString("en")} × ${isTexts(value) ? "text" : "number"}: ${cut([...value.slice(0, 8)].join(", "))} …`;
  }

  text(key: string): string | null {
    const value = this.values.get(key) ?? null;
    return value === null || typeof value === "string" ? value : mistyped(key, "text", value);
  }

  number(key: string): number | null;
  number(key: string, absent: number): number;
  number(key: string, absent: number | null = null): number | null {
    const value = this.values.get(key) ?? absent;
    return value === null || typeof value === "number" ? value : mistyped(key, "a number", value);
  }

  flag(key: string): boolean | null {
    const value = this.values.get(key) ?? null;
    return value === null || typeof value === "boolean" ? value : mistyped(key, "true or false", value);
  }

  texts(key: string): readonly string[] | null {
    const value = this.values.get(key) ?? null;
    return value === null || isTexts(value) ? value : mistyped(key, "a list of texts", value);
  }

  /** An array of numbers of any type, flags as 0 and 1. */
  numbers(key: string): Float64Array | null {
    const value = this.values.get(key) ?? null;
    return value === null || value instanceof Float64Array ? value : mistyped(key, "a list of numbers", value);
  }
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
}

function isTexts(value: Value): value is readonly string[] {
  return Array.isArray(value);
}

function mistyped(key: string, wanted: string, value: Value): never {
  const found = isTexts(value)
    ? "a list of texts"
    : value instanceof Float64Array
      ? "a list of numbers"
      : `the ${typeof value} ${value}`;
  throw badFile(`"${key}" should be ${wanted} and is ${found}`);
}
