// One model against another on the same questions: another quantization, adapter or backend.
import type { ChoiceResult, Result, TextResult } from "./result.ts";
import { isRight, meanDivergence, momentsOf, perplexity, picked, scoreOf, type Estimate } from "./summary.ts";
import type { Normalization } from "./task.ts";

/** Two runs, question by question. `first` is the one that is compared with. */
export interface Comparison {
  /** Questions or windows that both have. */
  readonly count: number;
  /** Share of right answers, or logarithm of the perplexity: second less first. The error is that of the paired differences. */
  readonly difference: Estimate;
  /** How the questions fell; null for texts. */
  readonly table: { readonly both: number; readonly first: number; readonly second: number; readonly neither: number } | null;
  /** Share of questions with the same answer, right or wrong, or of tokens with the same likeliest one; null where it is not known. */
  readonly agreement: number | null;
  /** KL(first, second) in nats: of the choices of a question, or of the tokens of a text; null where it is not known. */
  readonly divergence: Estimate | null;
}

/** Compares what both runs have; null where that is nothing. */
export function compare(first: readonly Result[], second: readonly Result[], normalization: Normalization): Comparison | null {
  const others = new Map(second.map((result) => [result.index, result]));
  const pairs = first.flatMap((a) => {
    const b = others.get(a.index);
    return b && b.kind === a.kind ? [[a, b] as const] : [];
  });
  if (pairs.length === 0) return null;
  const texts = pairs.flatMap(([a, b]) => (a.kind === "text" && b.kind === "text" ? [[a, b] as const] : []));
  return texts.length > 0 ? compareTexts(texts) : compareQuestions(pairs, normalization);
}

function compareQuestions(pairs: readonly (readonly [Result, Result])[], normalization: Normalization): Comparison {
  const table = { both: 0, first: 0, second: 0, neither: 0 };
  let same = 0;
  const divergences: number[] = [];
  for (const [a, b] of pairs) {
    const [right, other] = [isRight(a, normalization), isRight(b, normalization)];
    table[right ? (other ? "both" : "first") : other ? "second" : "neither"]++;
    if (answerOf(a, normalization) === answerOf(b, normalization)) same++;
    if (a.kind === "choice" && b.kind === "choice") divergences.push(choiceDivergence(a, b, normalization));
  }
  const differences = [...Array<number>(table.second).fill(1), ...Array<number>(table.first).fill(-1)];
  return {
    count: pairs.length,
    difference: estimateOf(differences, pairs.length),
    table,
    agreement: same / pairs.length,
    divergence: divergences.length > 0 ? estimateOf(divergences, divergences.length) : null,
  };
}

function compareTexts(pairs: readonly (readonly [TextResult, TextResult])[]): Comparison {
  const [a, b] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
  const perToken = pairs.map(([first, second]) => first.logprob / first.tokens - second.logprob / second.tokens);
  const value = Math.log(perplexity(b).value) - Math.log(perplexity(a).value);
  const divergence = meanDivergence(b);
  return {
    count: pairs.length,
    difference: { ...estimateOf(perToken, perToken.length), value },
    table: null,
    agreement: divergence?.agreement ?? null,
    divergence,
  };
}

/** What was answered: the choice, or the words. */
function answerOf(result: Result, normalization: Normalization): number | string {
  if (result.kind === "choice") return picked(result, normalization);
  return result.kind === "answer" ? result.said : "";
}

/** KL between the two models' shares of belief in the choices: the softmax of their scores. */
function choiceDivergence(a: ChoiceResult, b: ChoiceResult, normalization: Normalization): number {
  const [p, q] = [beliefs(a, normalization), beliefs(b, normalization)];
  return p.reduce((sum, log, index) => sum + Math.exp(log) * (log - q[index]!), 0);
}

/** Logarithms that belong to shares which sum to 1. */
function beliefs({ options }: ChoiceResult, normalization: Normalization): number[] {
  const scores = options.map((option) => scoreOf(option, normalization));
  const most = Math.max(...scores);
  const normalizer = most + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - most), 0));
  return scores.map((score) => score - normalizer);
}

/** Mean of `count` values, of which those not given are 0. */
function estimateOf(values: readonly number[], count: number): Estimate {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  const { mean, standardError } = momentsOf(count, sum, squares);
  return { value: mean, standardError, count };
}
