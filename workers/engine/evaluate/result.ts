// What came of each question or window, as data that can be kept and sent: raw likelihoods, from which every figure is made.

/** A question with choices. */
export interface ChoiceResult {
  readonly kind: "choice";
  /** Place of the question in its file, from 0. */
  readonly index: number;
  readonly gold: number;
  readonly options: readonly OptionScore[];
  /** Tokens its context was shortened by, for want of room. */
  readonly dropped: number;
}

export interface OptionScore {
  /** Natural logarithm of the likelihood of the continuation. */
  readonly logprob: number;
  readonly tokens: number;
  /** Characters of the continuation, the space in front not counted. */
  readonly characters: number;
  /** Logarithm of its likelihood after "Answer:" alone; null where that was not asked. */
  readonly afterAnswer: number | null;
}

/** A question answered in words. */
export interface AnswerResult {
  readonly kind: "answer";
  readonly index: number;
  /** The answer taken from what the model said. */
  readonly said: string;
  readonly accepted: readonly string[];
  readonly right: boolean;
  readonly dropped: number;
}

/** One window of a text. */
export interface TextResult {
  readonly kind: "text";
  readonly index: number;
  /** Tokens whose likelihood counts. */
  readonly tokens: number;
  /** Sum of the logarithms of their likelihoods, and of the squares of these. */
  readonly logprob: number;
  readonly squares: number;
  /** How far the model is from another one here; null where none was given. */
  readonly divergence: DivergenceSum | null;
}

/** Kullback-Leibler divergences in nats, summed over tokens. */
export interface DivergenceSum {
  readonly sum: number;
  readonly squares: number;
  readonly most: number;
  /** Tokens at which both models find the same one likeliest. */
  readonly agreements: number;
}

export type Result = ChoiceResult | AnswerResult | TextResult;
