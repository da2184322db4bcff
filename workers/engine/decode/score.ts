// How likely the model found a token: what the API calls logprobs.

/** A token and the logarithm of its probability; null for the first token of a text, which nothing predicts. */
export interface TokenScore {
  readonly id: number;
  readonly logprob: number | null;
  /** The likeliest tokens at this place, best first. */
  readonly best: readonly { readonly id: number; readonly logprob: number }[];
}

/** The score of token `id` under logits [vocab], which stay as they are, with so many alternatives. Natural logarithms. */
export function scoreToken(logits: Float32Array, id: number, alternatives: number): TokenScore {
  const norm = logSumExp(logits);
  const best = largest(logits, alternatives).map((other) => ({ id: other, logprob: logits[other]! - norm }));
  return { id, logprob: logits[id]! - norm, best };
}

/** Scores the tokens of a prompt while it is being read. */
export class PromptScorer {
  readonly scores: TokenScore[];

  constructor(
    private readonly prompt: readonly number[],
    private readonly alternatives: number,
    private readonly vocab: number,
  ) {
    this.scores = [{ id: prompt[0]!, logprob: null, best: [] }];
  }

  /** Takes the logits [rows, vocab] of prompt tokens position, position + 1, …, in order: each predicts the token after it. */
  readonly take = (position: number, logits: Float32Array): void => {
    for (let row = 0; row < logits.length / this.vocab; row++) {
      const next = this.prompt[position + row + 1];
      if (next === undefined) return;
      this.scores.push(scoreToken(logits.subarray(row * this.vocab, (row + 1) * this.vocab), next, this.alternatives));
    }
  };
}

/** log of the sum of exponentials, without overflow. */
export function logSumExp(logits: Float32Array): number {
  let most = -Infinity;
  for (const logit of logits) if (logit > most) most = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return most + Math.log(sum);
}

/** Indices of the `count` largest values, best first, of equals the first. */
function largest(values: Float32Array, count: number): number[] {
  const found: number[] = [];
  if (count === 0) return found;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (found.length === count && value <= values[found[count - 1]!]!) continue;
    let place = found.length;
    while (place > 0 && values[found[place - 1]!]! < value) place--;
    found.splice(place, 0, index);
    if (found.length > count) found.pop();
  }
  return found;
}
