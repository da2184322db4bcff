// Evaluations in IndexedDB, a database of their own: what was asked, what came of it so far, so that a reload loses nothing.
import { clear, createStore, delMany, get, getMany, keys, set, setMany, type UseStore } from "idb-keyval";
import type { Distributions } from "../../workers/engine/base/score.ts";
import type { Result } from "../../workers/engine/evaluate/result.ts";
import type { RunFacts } from "../../workers/engine/evaluate/report.ts";

/** A file as it was chosen. */
export interface TaskFile {
  readonly name: string;
  readonly content: string;
}

/** An adapter of the model, and how strongly it was applied. */
export interface AppliedAdapter {
  readonly id: string;
  readonly name: string;
  readonly scale: number;
}

/** An evaluation: begun, and perhaps done. */
export interface Run extends RunFacts {
  readonly id: string;
  readonly createdAt: number;
  /** Results that are kept. */
  readonly done: number;
  /** Key of the model among those that can be loaded. */
  readonly modelId: string;
  /** A run whose distributions this one is compared with; null for none. */
  readonly against: string | null;
  /** Adapters that were applied; none in runs of earlier versions. */
  readonly adapters?: readonly AppliedAdapter[];
  /** Whether its distributions are kept. */
  readonly keeps: boolean;
}

/** The files of a run, kept apart because they are long. */
export interface RunFiles {
  readonly task: TaskFile;
  readonly examples: TaskFile | null;
}

/** Results that are written together. */
const BLOCK = 64;

let opened: UseStore | undefined;

/** Every evaluation, newest first. Rejects where the browser keeps nothing. */
export async function listRuns(): Promise<Run[]> {
  const wanted = (await keys<string>(store())).filter((key) => key.startsWith("run/"));
  const found = (await getMany<unknown>(wanted, store())).filter(isRun);
  return found.sort((a, b) => b.createdAt - a.createdAt);
}

/** Begins an evaluation: its files are kept with it. */
export function createRun(run: Run, files: RunFiles): Promise<void> {
  return setMany(
    [
      [`run/${run.id}`, run],
      [`files/${run.id}`, files],
    ],
    store(),
  );
}

/** Keeps the results that are new since `run.done`: the block they are in is written anew, and the run with it. */
export async function keepResults(run: Run, results: readonly Result[]): Promise<Run> {
  const kept = { ...run, done: results.length };
  const records: [string, unknown][] = [[`run/${run.id}`, kept]];
  for (let block = Math.floor(run.done / BLOCK); block * BLOCK < results.length; block++)
    records.push([`results/${run.id}/${block}`, results.slice(block * BLOCK, (block + 1) * BLOCK)]);
  await setMany(records, store());
  return kept;
}

/** The results of a run, as far as they go; shorter than `done` where the browser lost some. */
export async function readResults({ id, done }: Run): Promise<Result[]> {
  const names = Array.from({ length: Math.ceil(done / BLOCK) }, (_, block) => `results/${id}/${block}`);
  const results: Result[] = [];
  for (const block of await getMany<unknown>(names, store())) {
    if (!Array.isArray(block) || !block.every(isResult)) break;
    results.push(...block);
  }
  return results.slice(0, done);
}

/** The files a run was begun with; null where they are gone. */
export async function readFiles(id: string): Promise<RunFiles | null> {
  const files = await get<unknown>(`files/${id}`, store());
  if (!isRecord(files) || !isFile(files.task)) return null;
  return { task: files.task, examples: isFile(files.examples) ? files.examples : null };
}

/** Keeps the distributions over one window of a text. */
export function keepDistributions(id: string, window: number, kept: Distributions): Promise<void> {
  return set(`distributions/${id}/${window}`, kept, store());
}

/** The distributions over one window; null where they are not kept. */
export async function readDistributions(id: string, window: number): Promise<Distributions | null> {
  const kept = await get<unknown>(`distributions/${id}/${window}`, store());
  if (!isRecord(kept) || typeof kept.vocab !== "number") return null;
  const { vocab, ranges, codes } = kept;
  return ranges instanceof Float32Array && codes instanceof Uint16Array ? { vocab, ranges, codes } : null;
}

/** Takes an evaluation out with all that belongs to it. */
export async function removeRun(id: string): Promise<void> {
  const own = (await keys<string>(store())).filter((key) => key.split("/")[1] === id);
  await delMany(own, store());
}

/** Takes everything out. */
export function removeEvaluations(): Promise<void> {
  return clear(store());
}

function isRun(value: unknown): value is Run {
  if (!isRecord(value) || !isRecord(value.task) || !isRecord(value.model) || !isRecord(value.settings)) return false;
  const texts = [value.id, value.modelId, value.task.name, value.task.format, value.model.name, value.settings.normalization];
  const numbers = [value.createdAt, value.done, value.task.questions, value.settings.shots, value.settings.window];
  return texts.every((text) => typeof text === "string") && numbers.every((number) => typeof number === "number");
}

function isResult(value: unknown): value is Result {
  return isRecord(value) && typeof value.index === "number" && ["choice", "answer", "text"].includes(String(value.kind));
}

function isFile(value: unknown): value is TaskFile {
  return isRecord(value) && typeof value.name === "string" && typeof value.content === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function store(): UseStore {
  return (opened ??= createStore("cria-evaluations", "records"));
}
