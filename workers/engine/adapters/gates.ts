// The gates of LLaMA-Adapter: a number a head, or, in its first version, one for all.
import { damaged } from "../checkpoint/formats/errors.ts";
import type { StoredTensor } from "../checkpoint/formats/stored.ts";

/** One number a query head. Throws `bad_file` for any other count. */
export async function gatesOf(file: string, gate: StoredTensor, heads: number, signal?: AbortSignal): Promise<Float32Array> {
  const count = gate.rows * gate.cols;
  if (count !== 1 && count !== heads) throw damaged(file, `a gate has ${count} numbers for ${heads} heads`);
  const values = await gate.read(0, gate.rows, signal);
  if (!values.every(Number.isFinite)) throw damaged(file, "a gate is no number");
  return count === heads ? values : new Float32Array(heads).fill(values[0]!);
}
