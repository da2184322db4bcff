// How far an engine's logits are from the truth, as the project measures it.

/** Logits at every position of a text, [positions, vocab]. */
export interface Logits {
  readonly vocab: number;
  readonly values: Float32Array;
}

export interface Distance {
  /** RMS of the difference of logits over RMS of the true ones, each position centred on its mean; over all positions together. */
  readonly d: number;
  /** Share of positions whose best token is the truth's. */
  readonly argmax: number;
  /** Positions whose best token is not the truth's though the truth's two best are more than 0.5 apart. */
  readonly contradicted: readonly number[];
  /** Positions compared. */
  readonly positions: number;
}

/** Compares logits with the truth. Centring makes logarithms of probabilities serve as well as logits. */
export function distance(truth: Logits, found: Logits): Distance {
  if (truth.vocab !== found.vocab || truth.values.length !== found.values.length) throw new Error("other shapes");
  const { vocab } = truth;
  const positions = truth.values.length / vocab;
  const contradicted: number[] = [];
  let difference = 0;
  let size = 0;
  let agreeing = 0;
  for (let position = 0; position < positions; position++) {
    const t = truth.values.subarray(position * vocab, (position + 1) * vocab);
    const f = found.values.subarray(position * vocab, (position + 1) * vocab);
    const [meanT, meanF] = [mean(t), mean(f)];
    for (let i = 0; i < vocab; i++) {
      const centred = t[i]! - meanT;
      difference += (f[i]! - meanF - centred) ** 2;
      size += centred ** 2;
    }
    const best = argmax(t);
    if (argmax(f) === best) agreeing++;
    else if (lead(t, best) > 0.5) contradicted.push(position);
  }
  return { d: Math.sqrt(difference / size), argmax: agreeing / positions, contradicted, positions };
}

/** Index of the greatest value, the first of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** By how much values[best] is greater than the next. */
export function lead(values: Float32Array, best: number): number {
  let next = -Infinity;
  for (let i = 0; i < values.length; i++) if (i !== best && values[i]! > next) next = values[i]!;
  return values[best]! - next;
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
