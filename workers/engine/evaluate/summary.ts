// From results to figures: share of right answers or perplexity, each with its standard error.
import type { AnswerResult, ChoiceResult, DivergenceSum, OptionScore, Result, TextResult } from "./result.ts";
import type { Normalization } from "./task.ts";

/** A figure, and how far it may be off by the choice of the questions. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
  /** Questions, or tokens. */
  readonly count: number;
}

/** Every way to compare choices that these results allow. */
export const NORMALIZATIONS: readonly Normalization[] = ["characters", "answer", "none"];

/** What is made larger or smaller by a better model. */
export type Metric = "accuracy" | "exact match" | "perplexity";

export interface Summary {
  readonly metric: Metric;
  readonly estimate: Estimate;
  /** For choices: the share of right ones for each normalization that the results allow. */
  readonly byNormalization: Partial<Record<Normalization, Estimate>>;
  /** Questions whose context had to be shortened. */
  readonly shortened: number;
}

/** The figures of at least one result of one kind; choices compared as `normalization` says. */
export function summarize(results: readonly Result[], normalization: Normalization): Summary {
  const texts = results.filter((result): result is TextResult => result.kind === "text");
  if (texts.length > 0) return { metric: "perplexity", estimate: perplexity(texts), byNormalization: {}, shortened: 0 };
  const shortened = results.filter((result) => result.kind !== "text" && result.dropped > 0).length;
  const answers = results.filter((result): result is AnswerResult => result.kind === "answer");
  if (answers.length > 0)
    return { metric: "exact match", estimate: share(answers.map(({ right }) => right)), byNormalization: {}, shortened };
  const choices = results.filter((result): result is ChoiceResult => result.kind === "choice");
  const possible = NORMALIZATIONS.filter(
    (way) => way !== "answer" || choices.every(({ options }) => options[0]?.afterAnswer !== null),
  );
  const entries = possible.map((way) => [way, share(choices.map((result) => isRight(result, way)))] as const);
  const byNormalization: Summary["byNormalization"] = Object.fromEntries(entries);
  const estimate = byNormalization[normalization] ?? share(choices.map((result) => isRight(result, "none")));
  return { metric: "accuracy", estimate, byNormalization, shortened };
}

/** Whether a question was answered rightly. Windows of a text have no right answer. */
export function isRight(result: Result, normalization: Normalization): boolean {
  if (result.kind === "answer") return result.right;
  return result.kind === "choice" && picked(result, normalization) === result.gold;
}

/** The option that is taken: the likeliest after normalization, of equals the first. */
export function picked({ options }: ChoiceResult, normalization: Normalization): number {
  const scores = options.map((option) => scoreOf(option, normalization));
  return scores.indexOf(Math.max(...scores));
}

/** Logarithm of a likelihood, made comparable. */
export function scoreOf({ logprob, characters, afterAnswer }: OptionScore, normalization: Normalization): number {
  if (normalization === "characters") return logprob / Math.max(1, characters);
  return normalization === "answer" ? logprob - (afterAnswer ?? 0) : logprob;
}

/** A share and its standard error, sqrt(p(1 - p) / (n - 1)). */
export function share(right: readonly boolean[]): Estimate {
  const count = right.length;
  const value = right.filter(Boolean).length / Math.max(1, count);
  return { value, standardError: Math.sqrt((value * (1 - value)) / Math.max(1, count - 1)), count };
}

/** exp of the mean loss of a token. The error is that of the mean, carried through exp. */
export function perplexity(results: readonly TextResult[]): Estimate {
  const { mean, standardError, count } = momentsOf(
    total(results, ({ tokens }) => tokens),
    -total(results, ({ logprob }) => logprob),
    total(results, ({ squares }) => squares),
  );
  const value = Math.exp(mean);
  return { value, standardError: value * standardError, count };
}

/** Mean divergence of a token in nats; null where there is none. */
export function meanDivergence(
  results: readonly TextResult[],
): (Estimate & { readonly most: number; readonly agreement: number }) | null {
  const measured = results.flatMap(({ divergence, tokens }) => (divergence ? [{ ...divergence, tokens }] : []));
  if (measured.length === 0) return null;
  const of = (read: (sums: DivergenceSum & { readonly tokens: number }) => number): number => total(measured, read);
  const { mean, standardError, count } = momentsOf(
    of(({ tokens }) => tokens),
    of((sums) => sums.sum),
    of((sums) => sums.squares),
  );
  const most = Math.max(...measured.map((sums) => sums.most));
  return { value: mean, standardError, count, most, agreement: of((sums) => sums.agreements) / count };
}

/** Mean of `count` numbers from their sum and the sum of their squares. */
export function momentsOf(count: number, sum: number, squares: number): { mean: number; standardError: number; count: number } {
  const mean = sum / Math.max(1, count);
  const variance = Math.max(0, squares / Math.max(1, count) - mean * mean);
  return { mean, standardError: Math.sqrt(variance / Math.max(1, count - 1)), count };
}

function total<T>(list: readonly T[], read: (entry: T) => number): number {
  return list.reduce((sum, entry) => sum + read(entry), 0);
}
