// A line of a task file, read field by field; what is missing is said with its place.
import { EngineError } from "../base/errors.ts";

/** An object of a task file. Names of fields are in lower case: "answerKey" of one publisher is "AnswerKey" of another. */
export class Row {
  private constructor(
    private readonly fields: ReadonlyMap<string, unknown>,
    /** "line 12 of arc.jsonl" */
    readonly place: string,
  ) {}

  /** Throws `bad_request` for what is no object. */
  static of(value: unknown, place: string): Row {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${place} is no object.`);
    return new Row(new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field])), place);
  }

  /** Whether all of these fields are there. */
  has(...names: readonly string[]): boolean {
    return names.every((name) => (this.fields.get(name) ?? null) !== null);
  }

  value(name: string): unknown {
    return this.fields.get(name) ?? null;
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
    throw bad(`${this.place} has no text "${name}".`);
  }

  texts(name: string): string[] {
    const value = this.value(name);
    if (Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === "string")) return value;
    throw bad(`${this.place} has no list of texts "${name}".`);
  }

  row(name: string): Row {
    return Row.of(this.value(name), `"${name}" of ${this.place}`);
  }

  rows(name: string): Row[] {
    const value = this.value(name);
    if (!Array.isArray(value) || value.length === 0) throw bad(`${this.place} has no list "${name}".`);
    return value.map((entry, index) => Row.of(entry, `entry ${index + 1} of "${name}" of ${this.place}`));
  }

  /** Which of `count` choices is the right one: an index, counted from `first` where it is a number, or a letter, or one of `labels`. */
  choice(name: string, count: number, { first = 0, labels = [] as readonly string[] } = {}): number {
    const value = this.value(name);
    const text = typeof value === "boolean" ? String(Number(value)) : this.text(name).trim();
    const labelled = labels.indexOf(text);
    const index =
      labelled >= 0 ? labelled : /^[A-Za-z]$/.test(text) ? text.toUpperCase().charCodeAt(0) - 65 : Number(text) - first;
    if (Number.isInteger(index) && index >= 0 && index < count) return index;
    throw bad(`${this.place} says "${name}" is ${text}, and has ${count} choices.`);
  }
}

/** A task file that cannot be read. */
export function bad(message: string): EngineError {
  return new EngineError(
    "bad_request",
    message,
    "Choose a file of one JSON object a line, with a question, choices and the right one.",
  );
}
