// How likely a model finds texts: continuations of a context, token by token. What every evaluation is made of.
import type { AdapterUse } from "./adapters.ts";

/** What all tokens of the vocabulary were given at some places of a text, as logarithms of probabilities in 16 bits. */
export interface Distributions {
  readonly vocab: number;
  /** [places, 2]: the least logarithm of a place, and the step between two codes. */
  readonly ranges: Float32Array;
  /** [places, vocab]: logarithm = least + code * step. */
  readonly codes: Uint16Array;
}

export interface ScoreRequest {
  /** Text, which starts as the model wants its prompts to, or token ids, taken as they are. At least one token. */
  readonly context: string | readonly number[];
  /** What may follow, each judged on its own. A text's tokens are those it has behind its context. */
  readonly continuations: readonly (string | readonly number[])[];
  /** Also gives the distributions at the places of the continuations: two bytes a token of the vocabulary and place. */
  readonly distributions?: boolean;
  /** Distributions of another model over the same tokens, one for each continuation, to be compared with. */
  readonly against?: readonly Distributions[];
  /** Adapters beside the model, and how strongly each is applied; none where it is left out. */
  readonly adapters?: readonly AdapterUse[] | null;
}

/** One continuation as the model finds it. */
export interface ContinuationScore {
  readonly ids: readonly number[];
  /** Natural logarithm of each token's probability, given the context and the tokens before it. */
  readonly logprobs: readonly number[];
  /** Whether each token is the likeliest at its place. */
  readonly greedy: boolean;
  readonly distributions?: Distributions;
  /** Kullback-Leibler divergence of this model from the other, KL(other, this), in nats, at each place. */
  readonly divergences?: readonly number[];
  /** At how many places both models find the same token likeliest. */
  readonly agreements?: number;
}

export interface ScoreResponse {
  /** Of the context, as far as there was room for it. */
  readonly contextTokens: number;
  /** Tokens that the context was shortened by at its start, so that the longest continuation fits. */
  readonly droppedTokens: number;
  /** One for each continuation, in order. */
  readonly scores: readonly ContinuationScore[];
}
