// Checks data from outside (IndexedDB, JSON) against a list of its fields: once, on entry.

/** Kinds of fields; "?" stands for "or null". */
export type Kind = "string" | "number" | "boolean" | "string?" | "number?" | "strings";

const CHECKS: Record<Kind, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number" && Number.isFinite(value),
  boolean: (value) => typeof value === "boolean",
  "string?": (value) => value === null || typeof value === "string",
  "number?": (value) => value === null || (typeof value === "number" && Number.isFinite(value)),
  strings: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
};

/** A guard that says whether a value is an object with at least these fields. */
export function isRecordOf<T>(fields: Readonly<Record<keyof T & string, Kind>>): (value: unknown) => value is T {
  const checks = Object.entries<Kind>(fields);
  return (value): value is T => {
    if (typeof value !== "object" || value === null) return false;
    const found = new Map<string, unknown>(Object.entries(value));
    return checks.every(([name, kind]) => CHECKS[kind](found.get(name)));
  };
}
