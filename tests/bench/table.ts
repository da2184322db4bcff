// Records as a table to read: a row for each work, a column for each engine, and how many times faster Cria is.
import { ENGINES, type EngineName } from "./engines/engine.ts";
import type { Machine } from "./machine.ts";
import { type BenchRecord, digits } from "./records.ts";

/** Where less is better. */
const COSTS: readonly string[] = ["ms", "MiB", "per token"];

/** The table of one model's records, "median (least to most)" in each cell. */
export function tableOf(records: readonly BenchRecord[]): string {
  const engines = ENGINES.filter((name) => records.some(({ engine }) => engine === name));
  const peers = engines.filter((name) => name !== "Cria" && engines.includes("Cria"));
  const rows = [...new Set(records.filter(({ engine }) => engine !== "page").map(rowOf))];
  const cell = (row: string, name: EngineName): BenchRecord | undefined =>
    records.find((record) => rowOf(record) === row && record.engine === name);
  const head = ["", ...engines.map((name) => columnTitle(records, name)), ...peers.map((name) => `Cria : ${name}`)];
  const body = rows.map((row) => [
    row,
    ...engines.map((name) => show(cell(row, name)) + otherSize(cell(row, name), cell(row, engines[0]!))),
    ...peers.map((name) => ratio(cell(row, "Cria"), cell(row, name))),
  ]);
  return align([head, ...body]);
}

/** A few lines on the machine. */
export function machineLines({ processor, cores, memoryBytes, browser, gpu, platform }: Machine): string {
  const memory = `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  return [`${processor}, ${cores} cores, ${memory}, ${platform}; ${browser}`, ...(gpu ? [`GPU: ${gpu}`] : [])].join("\n");
}

/** Two runs side by side: each record of the first with its change in the second. */
export function comparison(before: readonly BenchRecord[], after: readonly BenchRecord[]): string {
  const key = (record: BenchRecord): string => `${record.engine} ${record.backend}|${record.model}|${rowOf(record)}`;
  const later = new Map(after.map((record) => [key(record), record]));
  const body = before.flatMap((record) => {
    const now = later.get(key(record));
    if (!now) return [];
    const change = record.median === 0 ? "" : `${((now.median / record.median - 1) * 100).toFixed(0)} %`;
    const apart = now.min > record.max || now.max < record.min ? "" : "within the range";
    return [[...key(record).split("|"), show(record), show(now), change, apart]];
  });
  return align([["engine", "model", "work", "before", "after", "change", ""], ...body]);
}

function rowOf({ work, context, unit }: BenchRecord): string {
  return work === "decode" ? `${work} at ${context} (${unit})` : `${work} (${unit})`;
}

function columnTitle(records: readonly BenchRecord[], name: EngineName): string {
  const { threads, level } = records.find(({ engine }) => engine === name)!;
  return `${name}, ${level}${threads > 0 ? ` x${threads}` : ""}`;
}

function show(record: BenchRecord | undefined): string {
  if (!record) return "–";
  const { median, min, max } = record;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}

/** The tokens of a repetition, where they are not as many as the first engine's. */
function otherSize(record: BenchRecord | undefined, first: BenchRecord | undefined): string {
  return record && first && record.tokens !== first.tokens ? ` [${record.tokens}]` : "";
}

/** How many times better Cria is. */
function ratio(ours: BenchRecord | undefined, theirs: BenchRecord | undefined): string {
  if (!ours || !theirs || ours.median === 0 || theirs.median === 0) return "";
  const times = COSTS.includes(ours.unit) ? theirs.median / ours.median : ours.median / theirs.median;
  return `${digits(times)}x`;
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => row.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join("  "))
    .join("\n");
}
