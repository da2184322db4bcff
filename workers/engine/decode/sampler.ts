// Picks the next token. In this order, as llama.cpp does by default: repetition penalty, top-k, top-p, min-p, temperature.
// Top-p and min-p therefore look at the model's own probabilities, not at those that a temperature has flattened.
import type { Sampling } from "../base/backend.ts";
import { EngineError } from "../base/errors.ts";
import { random } from "../base/random.ts";

/** Picks tokens for one vocabulary, without allocating and without sorting it. */
export class Sampler {
  private readonly kept: Int32Array; // [vocab] ids of tokens still in the running
  private readonly weights: Float32Array; // [vocab] by id: exp(logit - best)

  constructor(vocab: number) {
    this.kept = new Int32Array(vocab);
    this.weights = new Float32Array(vocab);
  }

  /**
   * The token at `position`. Greedy where temperature is 0, the lowest id among equals. Otherwise random(seed, position) says how
   * far to walk through the kept tokens, best first: the same logits, seed and position give the same token.
   * `logits` [vocab] is overwritten. `recent` are the tokens so far, newest last. Throws `bad_logits` on NaN.
   */
  pick(logits: Float32Array, sampling: Sampling, recent: readonly number[], position: number): number {
    this.penalize(logits, sampling, recent);
    const best = argmax(logits);
    if (sampling.temperature <= 0) return best;
    const vocab = logits.length;
    let count = sampling.topK > 0 && sampling.topK < vocab ? this.keepBest(logits, sampling.topK) : this.keepAll(vocab);
    if (sampling.topP < 1) count = this.keepNucleus(logits, logits[best], sampling.topP, count);
    if (sampling.minP > 0) count = this.keepLikely(logits, logits[best] + Math.log(sampling.minP), count);
    return this.draw(logits, logits[best], sampling, count, random(sampling.seed, position));
  }

  /** Makes each of the last `repeatWindow` tokens less likely, once. */
  private penalize(logits: Float32Array, { repeatPenalty, repeatWindow }: Sampling, recent: readonly number[]): void {
    const count = Math.min(recent.length, repeatWindow, this.kept.length);
    if (repeatPenalty === 1) return;
    for (let i = 0; i < count; i++) this.kept[i] = recent[recent.length - count + i];
    this.kept.subarray(0, count).sort();
    for (let i = 0; i < count; i++) {
      const id = this.kept[i];
      if (i > 0 && id === this.kept[i - 1]) continue;
      logits[id] = logits[id] > 0 ? logits[id] / repeatPenalty : logits[id] * repeatPenalty;
    }
  }

  private keepAll(vocab: number): number {
    for (let id = 0; id < vocab; id++) this.kept[id] = id;
    return vocab;
  }

  /** Keeps the k best, of equals those with the lowest ids: a heap of the best so far, the worst of them on top. */
  private keepBest(logits: Float32Array, k: number): number {
    for (let id = 0; id < k; id++) this.kept[id] = id;
    for (let at = (k >> 1) - 1; at >= 0; at--) this.sink(logits, at, k);
    for (let id = k; id < logits.length; id++) {
      if (logits[id] <= logits[this.kept[0]]) continue;
      this.kept[0] = id;
      this.sink(logits, 0, k);
    }
    return k;
  }

  /** Keeps the fewest best tokens that together have at least the share p of the probability of those kept so far. */
  private keepNucleus(logits: Float32Array, most: number, p: number, count: number): number {
    const { kept, weights } = this;
    const total = this.weigh(logits, most, 1, count);
    // Tokens below this weight have less than the share 1 - p even all together, so none of them is needed.
    const least = ((1 - p) * total) / count;
    let left = 0;
    for (let i = 0; i < count; i++) if (weights[kept[i]] >= least) kept[left++] = kept[i];
    return this.reach(logits, left, p * total);
  }

  private keepLikely(logits: Float32Array, least: number, count: number): number {
    let left = 0;
    for (let i = 0; i < count; i++) if (logits[this.kept[i]] >= least) this.kept[left++] = this.kept[i];
    return left;
  }

  private draw(logits: Float32Array, most: number, { temperature }: Sampling, count: number, dice: number): number {
    const total = this.weigh(logits, most, temperature, count);
    return this.kept[this.reach(logits, count, dice * total) - 1];
  }

  /** Sets the weights of the kept tokens at a temperature. Returns their sum. */
  private weigh(logits: Float32Array, most: number, temperature: number, count: number): number {
    let total = 0;
    for (let i = 0; i < count; i++) {
      const id = this.kept[i];
      total += this.weights[id] = Math.exp((logits[id] - most) / temperature);
    }
    return total;
  }

  /**
   * Moves the best of the kept tokens to the front, up to the one whose weight makes the sum reach `amount`, which comes last of
   * them. Returns how many they are, at least 1. Quickselect: only the part in which that token lies is looked at again.
   */
  private reach(logits: Float32Array, count: number, amount: number): number {
    let [from, to, sum] = [0, count, 0];
    while (from < to) {
      const pivot = this.split(logits, from, to);
      let better = sum;
      for (let i = from; i < pivot; i++) better += this.weights[this.kept[i]];
      if (pivot > from && better >= amount) {
        to = pivot;
      } else {
        sum = better + this.weights[this.kept[pivot]];
        from = pivot + 1;
        if (sum >= amount) return from;
      }
    }
    return to;
  }

  /** Puts a token of kept[from..to) in its place, the better ones before it, the worse ones after it. Returns the place. */
  private split(logits: Float32Array, from: number, to: number): number {
    const { kept } = this;
    const middle = (from + to) >> 1;
    const pivot = kept[middle];
    kept[middle] = kept[to - 1];
    let place = from;
    for (let i = from; i < to - 1; i++) {
      const id = kept[i];
      if (!isBetter(logits, id, pivot)) continue;
      kept[i] = kept[place];
      kept[place++] = id;
    }
    kept[to - 1] = kept[place];
    kept[place] = pivot;
    return place;
  }

  /** Lets a token of the heap kept[0..count) sink to its place; the worst is on top. */
  private sink(logits: Float32Array, at: number, count: number): void {
    const { kept } = this;
    const id = kept[at];
    for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && isBetter(logits, kept[child], kept[child + 1])) child++;
      if (isBetter(logits, kept[child], id)) break;
      kept[at] = kept[child];
      at = child;
    }
    kept[at] = id;
  }
}

/** Index of the largest logit, of equals the first. */
function argmax(logits: Float32Array): number {
  let best = 0;
  let most = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id];
    if (logit <= most) continue;
    if (Number.isNaN(logit)) throw badLogits(`token ${id} has a logit that is not a number`);
    most = logit;
    best = id;
  }
  if (!Number.isFinite(logits[best])) throw badLogits(`the best logit is ${logits[best]}`);
  return best;
}

function badLogits(what: string): EngineError {
  return new EngineError(
    "bad_logits",
    `The model computed nonsense: ${what}.`,
    "Reload the model, or choose another backend in the settings.",
  );
}

function isBetter(logits: Float32Array, a: number, b: number): boolean {
  return logits[a] > logits[b] || (logits[a] === logits[b] && a < b);
}
