// Whole distributions of a model, kept small, and how far another model is from them.
// Source: Kullback and Leibler 1951; 16-bit logarithms as llama.cpp's tools/perplexity keeps them.
import type { Distributions } from "../base/score.ts";

const CODES = 65535;

/** Index of the largest value, of equals the first. */
export function likeliest(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index]! > values[best]!) best = index;
  return best;
}

/** Room for the distributions at so many places. */
export function emptyDistributions(places: number, vocab: number): Distributions {
  return { vocab, ranges: new Float32Array(places * 2), codes: new Uint16Array(places * vocab) };
}

/** Writes the distribution of logits [vocab] at one place. Logarithms are off by at most half a step, about 3e-4 nats. */
export function keepDistribution(kept: Distributions, place: number, logits: Float32Array, normalizer: number): void {
  let [least, most] = [Infinity, -Infinity];
  for (const logit of logits) {
    if (logit < least) least = logit;
    if (logit > most) most = logit;
  }
  const step = (most - least) / CODES || 1;
  const codes = codesAt(kept, place);
  for (let token = 0; token < logits.length; token++) codes[token] = Math.round((logits[token]! - least) / step);
  kept.ranges.set([least - normalizer, step], place * 2);
}

/**
 * KL(kept, logits) at a place, in nats: what is lost by believing the logits where the kept distribution is right. Never below 0
 * but for the rounding of the kept one, which is left in so that a mean over places is not pushed up.
 */
export function divergenceFrom(kept: Distributions, place: number, logits: Float32Array, normalizer: number): number {
  const codes = codesAt(kept, place);
  const least = kept.ranges[place * 2]!;
  const step = kept.ranges[place * 2 + 1]!;
  let [divergence, total] = [0, 0];
  for (let token = 0; token < logits.length; token++) {
    const logarithm = least + codes[token]! * step;
    const probability = Math.exp(logarithm);
    total += probability;
    divergence += probability * (logarithm - (logits[token]! - normalizer));
  }
  // Rounded logarithms no longer sum to 1: renormalized, so that a model is at distance 0 from itself.
  return divergence / total - Math.log(total);
}

/** The likeliest token at a place. */
export function likeliestAt(kept: Distributions, place: number): number {
  return likeliest(codesAt(kept, place));
}

function codesAt({ codes, vocab }: Distributions, place: number): Uint16Array {
  return codes.subarray(place * vocab, (place + 1) * vocab);
}
