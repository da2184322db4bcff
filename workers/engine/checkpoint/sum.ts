// The check that Alpaca's authors published with their difference: the sum of every weight of the recovered model.
// Source: tatsu-lab/stanford_alpaca weight_diff.py, recover (check_integrity_naively).
import type { SumCheck } from "../base/conversion.ts";
import type { Checkpoint, CheckpointConfig } from "./checkpoint.ts";
import type { Recipe } from "./difference.ts";

/** Weights summed at a time. */
const CHUNK_WEIGHTS = 1 << 20;

/**
 * Sums a recovered model and compares; null where no sum was published for it. Reads all weights once. `onProgress` hears how many of them
 * were read.
 */
export async function checkSum(
  checkpoint: Checkpoint,
  recipe: Recipe,
  { signal, onProgress }: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (weights: number) => void } = {},
): Promise<SumCheck | null> {
  const tensors = [...checkpoint.tensors.values()];
  const parameters = tensors.reduce((count, { rows, cols }) => count + rows * cols, 0);
  if (recipe.check?.parameters !== parameters) return null;
  const { sum: published, tolerance } = recipe.check;
  // The state dict of that time held each layer's frequencies too.
  let sum = checkpoint.config.layers * frequencySum(checkpoint.config);
  let done = 0;
  for (const { rows, cols, read } of tensors) {
    const most = Math.max(1, Math.floor(CHUNK_WEIGHTS / cols));
    for (let row = 0; row < rows; row += most) {
      signal?.throwIfAborted();
      const values = await read(row, Math.min(most, rows - row), signal);
      for (const value of values) sum += value;
      onProgress?.((done += values.length));
    }
  }
  return { sum, published, tolerance, holds: Math.abs(sum - published) <= tolerance };
}

function frequencySum({ headDim, theta }: CheckpointConfig): number {
  let sum = 0;
  for (let i = 0; i < headDim; i += 2) sum += Math.fround(1 / theta ** (i / headDim));
  return sum;
}
