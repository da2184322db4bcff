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
   * The token at `position`. Greedy where temperature is 0, the lowest id among equals. Otherwise random(seed, position) decides
   * over the kept tokens in order of their ids: the same logits, seed and position give the same token.
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
    this.sort(count);
    for (let i = 0; i < count; i++) {
      const id = this.kept[i];
      if (i === 0 || id !== this.kept[i - 1]) logits[id] *= logits[id] > 0 ? 1 / repeatPenalty : repeatPenalty;
    }
  }

  private keepAll(vocab: number): number {
    for (let id = 0; id < vocab; id++) this.kept[id] = id;
    return vocab;
  }

  /** Keeps the k best, of equals those with the lowest ids: a heap of the best so far, the worst of them on top. */
  private keepBest(logits: Float32Array, k: number): number {
    for (let id = 0; id < k; id++) this.kept[id] = id;
    const worse = (a: number, b: number): boolean => logits[a] < logits[b] || (logits[a] === logits[b] && a > b);
    heapify(this.kept, k, worse);
    for (let id = k; id < logits.length; id++) {
      if (logits[id] <= logits[this.kept[0]]) continue;
      this.kept[0] = id;
      sink(this.kept, 0, k, worse);
    }
    this.sort(k);
    return k;
  }

  /** Keeps the fewest best tokens that together have at least the share p of the probability of those kept so far. */
  private keepNucleus(logits: Float32Array, most: number, p: number, count: number): number {
    const { kept, weights } = this;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[kept[i]] = Math.exp(logits[kept[i]] - most);
    // Tokens below this weight have less than the share 1 - p even all together, so none of them is needed.
    const least = ((1 - p) * total) / count;
    let left = 0;
    for (let i = 0; i < count; i++) if (weights[kept[i]] >= least) kept[left++] = kept[i];
    const better = (a: number, b: number): boolean => logits[a] > logits[b] || (logits[a] === logits[b] && a < b);
    heapify(kept, left, better);
    // The best is taken off the heap and put behind it, so the chosen ones gather at the end.
    let size = left;
    let share = 0;
    do {
      const id = kept[0];
      share += weights[id];
      kept[0] = kept[--size];
      sink(kept, 0, size, better);
      kept[size] = id;
    } while (share < p * total && size > 0);
    kept.copyWithin(0, size, left);
    this.sort(left - size);
    return left - size;
  }

  private keepLikely(logits: Float32Array, least: number, count: number): number {
    let left = 0;
    for (let i = 0; i < count; i++) if (logits[this.kept[i]] >= least) this.kept[left++] = this.kept[i];
    return left;
  }

  private draw(logits: Float32Array, most: number, { temperature }: Sampling, count: number, at: number): number {
    const { kept, weights } = this;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[kept[i]] = Math.exp((logits[kept[i]] - most) / temperature);
    let ahead = at * total;
    let picked = kept[0];
    for (let i = 0; i < count && ahead >= 0; i++) {
      if (weights[kept[i]] > 0) picked = kept[i];
      ahead -= weights[kept[i]];
    }
    return picked;
  }

  /** Puts the first `count` kept tokens in order of their ids. */
  private sort(count: number): void {
    this.kept.subarray(0, count).sort();
  }
}

/** Index of the largest logit, of equals the first. */
function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 0; id < logits.length; id++) {
    if (Number.isNaN(logits[id])) throw badLogits(`token ${id} has a logit that is not a number`);
    if (logits[id] > logits[best]) best = id;
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

type Order = (a: number, b: number) => boolean;

/** Makes ids[0..count) a heap with the first by `order` on top. */
function heapify(ids: Int32Array, count: number, order: Order): void {
  for (let at = (count >> 1) - 1; at >= 0; at--) sink(ids, at, count, order);
}

function sink(ids: Int32Array, at: number, count: number, order: Order): void {
  const id = ids[at];
  for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && order(ids[child + 1], ids[child])) child++;
    if (!order(ids[child], id)) break;
    ids[at] = ids[child];
    at = child;
  }
  ids[at] = id;
}
