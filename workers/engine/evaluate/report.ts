// A run as files: JSON with everything, CSV with a line for each question or window.
import type { Result } from "./result.ts";
import { isRight, picked, summarize, type Summary } from "./summary.ts";
import type { Normalization } from "./task.ts";

/** What was asked of which model, and how. */
export interface RunFacts {
  readonly task: { readonly name: string; readonly format: string; readonly questions: number };
  readonly model: { readonly name: string; readonly quantization: string; readonly backend: string; readonly tier: string };
  readonly settings: {
    readonly normalization: Normalization;
    readonly shots: number;
    /** Tokens of a window of a text. */
    readonly window: number;
    readonly limit: number | null;
  };
}

/** Everything known of a run, with its figures. */
export function toJson(facts: RunFacts, results: readonly Result[]): string {
  const summary: Summary | null = results.length > 0 ? summarize(results, facts.settings.normalization) : null;
  return `${JSON.stringify({ ...facts, summary, results }, null, 1)}\n`;
}

/** A line for each result: of its choices their likelihoods, of its answer the words, of its window the perplexity. */
export function toCsv({ settings }: Pick<RunFacts, "settings">, results: readonly Result[]): string {
  const first = results[0];
  if (!first) return "";
  const most = Math.max(...results.map((result) => (result.kind === "choice" ? result.options.length : 0)));
  const columns = Array.from({ length: most }, (_, i) => [
    `logprob ${i}`,
    `tokens ${i}`,
    `characters ${i}`,
    `after answer ${i}`,
  ]).flat();
  const heads = {
    choice: ["index", "gold", "picked", "right", ...columns],
    answer: ["index", "said", "accepted", "right"],
    text: ["index", "tokens", "logprob", "perplexity", "divergence"],
  };
  const rows = results.map((result) => cells(result, settings.normalization));
  return [heads[first.kind], ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
}

type Cell = string | number | boolean | null;

function cells(result: Result, normalization: Normalization): Cell[] {
  if (result.kind === "answer") return [result.index, result.said, result.accepted.join(" | "), result.right];
  if (result.kind === "text") {
    const { index, tokens, logprob, divergence } = result;
    return [index, tokens, logprob, Math.exp(-logprob / tokens), divergence && divergence.sum / tokens];
  }
  const scores = result.options.flatMap(({ logprob, tokens, characters, afterAnswer }) => [
    logprob,
    tokens,
    characters,
    afterAnswer,
  ]);
  return [result.index, result.gold, picked(result, normalization), isRight(result, normalization), ...scores];
}

/** A cell as RFC 4180 has it. A text that a spreadsheet would compute is kept a text. */
function quoted(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const text = /^[=+\-@]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
