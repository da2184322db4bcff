// What decoding a token asks of WebGPU: calls counted by wrapping the API in every worker of the page, whoever's it is.
import type { Page } from "puppeteer-core";
import type { Contestant } from "./contestants.ts";
import type { Prompt } from "./engines/engine.ts";
import type { Counts } from "./page/counters.ts";
import { GPU_COUNTS, type GpuCount } from "./records.ts";

const FEW = 8;
const MANY = 40;
/** A worker that waits inside WASM never answers. */
const SILENCE_MS = 3_000;

/** Calls for each further token of an answer, of an engine that is loaded while all others are idle. */
export async function countPerToken(page: Page, contestant: Contestant, prompt: Prompt): Promise<[GpuCount, number][]> {
  await contestant.complete(prompt, FEW);
  const start = await total(page);
  await contestant.complete(prompt, FEW);
  const middle = await total(page);
  await contestant.complete(prompt, MANY);
  const end = await total(page);
  if (end.dispatches === start.dispatches) throw new Error("its calls cannot be counted: its worker does not answer");
  // What beginning and ending a request cost stands in both runs.
  return GPU_COUNTS.map((name) => [name, Math.max(0, end[name] - 2 * middle[name] + start[name]) / (MANY - FEW)]);
}

/** Counts of the page and its workers since they were first asked. */
async function total(page: Page): Promise<Counts> {
  const url = new URL("/counters.ts", page.url()).href;
  const sum: Counts = { dispatches: 0, submits: 0, "buffer writes": 0, "objects created": 0, mappings: 0 };
  for (const realm of [page, ...page.workers()]) {
    const load = async (url: string): Promise<Counts> => ((await import(url)) as typeof import("./page/counters.ts")).counts();
    const counts = await Promise.race([realm.evaluate(load, url), silence()]);
    for (const name of GPU_COUNTS) sum[name] += counts?.[name] ?? 0;
  }
  return sum;
}

function silence(): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), SILENCE_MS));
}
