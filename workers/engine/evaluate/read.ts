// From a file to a task: JSON lines or a JSON list of questions, or a text.
import { bad, Row } from "./rows.ts";
import { FORMATS, type FormatName } from "./index.ts";
import type { Format, Task } from "./task.ts";

/**
 * The task in a file. A file of JSON is a list of questions in one of the known formats, found by its first row unless `format` says it;
 * any other file is a text. Throws `bad_request` with the line that cannot be read.
 */
export function readTask(file: string, content: string, format?: FormatName): Task {
  const name = file.replace(/^.*[\\/]/, "").replace(/\.(jsonl?|ndjson|txt|text|md|raw)$/i, "");
  const rows = readRows(file, content);
  if (rows === null) {
    if (content.trim() === "") throw bad(`${file} is empty.`);
    return { kind: "text", name, text: content };
  }
  if (rows.length === 0) throw bad(`${file} has no questions.`);
  const found = format ?? formatOf(rows[0]!, file.toLowerCase());
  if (found === null) {
    if (rows.every((row) => row.has("text")))
      return { kind: "text", name, text: rows.map((row) => row.text("text")).join("\n\n") };
    throw bad(
      `${rows[0]!.place} is in no format known here: ${Object.values(FORMATS)
        .map(({ title }) => title)
        .join(", ")}.`,
    );
  }
  const chosen: Format = FORMATS[found];
  return { kind: chosen.kind, name, format: chosen, items: rows.map((row) => chosen.read(row)) };
}

function formatOf(row: Row, file: string): FormatName | null {
  for (const [name, format] of Object.entries(FORMATS)) if (format.matches(row, file) && isFormat(name)) return name;
  return null;
}

/** Whether a format is called so. */
export function isFormat(name: string): name is FormatName {
  return Object.hasOwn(FORMATS, name);
}

/** The objects of a file; null where it is no JSON. */
function readRows(file: string, content: string): Row[] | null {
  const text = content.replace(/^\ufeff/, "").trimStart();
  if (!/^[[{]/.test(text)) return null;
  const whole = parsed(text);
  const list = Array.isArray(whole) ? whole : listIn(whole);
  if (list) return list.map((entry, index) => Row.of(entry, `Entry ${index + 1} of ${file}`));
  const lines = content.replace(/^\ufeff/, "").split("\n");
  if (/\.(txt|text|md|raw)$/i.test(file) && parsed(lines.find((line) => line.trim() !== "") ?? "") === undefined) return null;
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const place = `Line ${index + 1} of ${file}`;
    const value = parsed(line);
    if (value === undefined) throw bad(`${place} is no JSON.`);
    return [Row.of(value, place)];
  });
}

/** {"data": […]} and the like, as some tasks are published. */
function listIn(value: unknown): unknown[] | null {
  if (typeof value !== "object" || value === null) return null;
  const lists = Object.entries(value).filter(
    ([name, field]) => /^(data|rows|questions|examples)$/i.test(name) && Array.isArray(field),
  );
  return lists.length === 1 && Array.isArray(lists[0]![1]) ? lists[0]![1] : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
