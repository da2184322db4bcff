// The range of a run of weights, for the formats that quantize by it.

/** The weight farthest from zero of weights[from .. from + count), with its sign; the first of equals. */
export function extreme(weights: Float32Array, from: number, count: number): number {
  let far = 0;
  for (let i = from; i < from + count; i++) if (Math.abs(weights[i]!) > Math.abs(far)) far = weights[i]!;
  return far;
}

/** The least and the greatest of weights[from .. from + count). */
export function bounds(weights: Float32Array, from: number, count: number): [min: number, max: number] {
  let min = weights[from]!;
  let max = min;
  for (let i = from + 1; i < from + count; i++) {
    if (weights[i]! < min) min = weights[i]!;
    if (weights[i]! > max) max = weights[i]!;
  }
  return [min, max];
}
