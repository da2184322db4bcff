// How well a model foretells a text, window by window.
// Source: llama.cpp tools/perplexity: windows that do not overlap, each judged over its second half, each beginning with the start token.
import type { Cria } from "../base/cria.ts";
import { EngineError } from "../base/errors.ts";
import type { ContinuationScore, Distributions } from "../base/score.ts";
import type { DivergenceSum, TextResult } from "./result.ts";
import type { TextTask } from "./task.ts";

/** Distributions of a model over the windows of a text: kept by its run, compared with by another's. */
export interface Reference {
  /** The other model's over a window; null where this run is to keep its own. */
  read(index: number): Promise<Distributions | null>;
  /** Null where nothing is kept. */
  readonly keep: ((index: number, distributions: Distributions) => Promise<void>) | null;
}

export interface WindowOptions {
  readonly done?: number;
  readonly limit?: number | null;
  readonly window?: number;
  readonly reference?: Reference | null;
  readonly signal?: AbortSignal;
}

/** What is asked of a model. */
type Reader = Pick<Cria, "score" | "tokenize" | "info">;

/** A window: what is read, and what of it is judged. */
interface Window {
  readonly context: readonly number[];
  readonly judged: readonly number[];
}

/** Perplexity of a text. */
export const evaluateText = { count, run };

async function count(reader: Reader, task: TextTask, options: WindowOptions): Promise<number> {
  return (await windowsOf(reader, task, options)).length;
}

async function* run(reader: Reader, task: TextTask, options: WindowOptions): AsyncGenerator<TextResult, void, void> {
  const { done = 0, limit = null, reference = null, signal } = options;
  const windows = (await windowsOf(reader, task, options)).slice(0, limit ?? undefined);
  for (const [index, { context, judged }] of windows.entries()) {
    if (index < done) continue;
    const other = (await reference?.read(index)) ?? null;
    const request = {
      context,
      continuations: [judged],
      distributions: reference !== null && reference.keep !== null,
      ...(other && { against: [other] }),
    };
    const score = (await reader.score(request, { urgency: "background", ...(signal && { signal }) })).scores[0]!;
    if (score.distributions) await reference?.keep?.(index, score.distributions);
    yield resultOf(index, score);
  }
}

async function windowsOf(reader: Reader, { name, text }: TextTask, options: WindowOptions): Promise<Window[]> {
  const { info } = reader;
  const size = Math.min(options.window ?? 512, info.contextLength);
  const tokens = await reader.tokenize(text);
  if (tokens.length < 2) throw new EngineError("bad_request", `${name} has ${tokens.length} tokens.`, "Choose a longer text.");
  const begin = (ids: readonly number[]): readonly number[] =>
    info.startToken === null ? ids : [info.startToken, ...ids.slice(1)];
  if (tokens.length < size) return [cutAt(begin(tokens), 1)];
  const half = Math.floor(size / 2);
  const starts = Array.from({ length: Math.floor(tokens.length / size) }, (_, index) => index * size);
  return starts.map((start) => cutAt(begin(tokens.slice(start, start + size)), half + 1));
}

function cutAt(ids: readonly number[], place: number): Window {
  return { context: ids.slice(0, place), judged: ids.slice(place) };
}

function resultOf(index: number, { logprobs, divergences, agreements }: ContinuationScore): TextResult {
  const logprob = logprobs.reduce((sum, value) => sum + value, 0);
  const squares = logprobs.reduce((sum, value) => sum + value * value, 0);
  const divergence = divergences ? divergenceSum(divergences, agreements ?? 0) : null;
  return { kind: "text", index, tokens: logprobs.length, logprob, squares, divergence };
}

function divergenceSum(values: readonly number[], agreements: number): DivergenceSum {
  return {
    sum: values.reduce((sum, value) => sum + value, 0),
    squares: values.reduce((sum, value) => sum + value * value, 0),
    most: Math.max(...values),
    agreements,
  };
}
