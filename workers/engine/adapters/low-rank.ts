// From the two matrices of a LoRA, in their publisher's order, to one change of a weight in GGUF's order.
// Source: Hu et al., "LoRA", section 4.1; llama.cpp convert_lora_to_gguf.py (LoraTorchTensor, and permute of q and k).
import type { LowRank } from "../base/adapter.ts";
import { pairHeads, type Rows } from "../checkpoint/arrange.ts";
import { damaged } from "../checkpoint/formats/errors.ts";

/** Ranks beyond this are no low rank of anything, and would cost as much as the weights. */
const MOST_RANK = 4096;

/** Both matrices of a change. */
export interface Pair {
  /** [rank, inputs]. */
  readonly a: Rows;
  /** [outputs, rank]. */
  readonly b: Rows;
}

/** What makes a change of a pair. */
export interface PairOptions {
  /** File they came from, for people. */
  readonly file: string;
  /** Factor on the product: alpha / rank. */
  readonly scale: number;
  /** Width of a head whose rows are in Hugging Face's order; null where they are in GGUF's already. */
  readonly headDim: number | null;
  readonly signal?: AbortSignal | undefined;
}

/** Reads a change. Throws `bad_file` where the two do not fit each other. */
export async function readPair(name: string, { a, b }: Pair, options: PairOptions): Promise<LowRank> {
  const { file, scale, headDim, signal } = options;
  const rank = a.rows;
  if (b.cols !== rank) throw damaged(file, `${name} has a rank of ${rank} on one side and of ${b.cols} on the other`);
  if (rank > MOST_RANK) throw damaged(file, `${name} has a rank of ${rank}`);
  if (!Number.isFinite(scale)) throw damaged(file, `the factor of ${name} is ${scale}`);
  if (headDim !== null && b.rows % headDim !== 0)
    throw damaged(file, `${name} has ${b.rows} outputs, no whole heads of ${headDim}`);
  const outputs = headDim === null ? b : pairHeads(b, headDim);
  const values = await outputs.read(0, b.rows, signal);
  for (let i = 0; i < values.length; i++) values[i]! *= scale;
  return checked(file, name, { rank, a: await a.read(0, rank, signal), b: values });
}

/**
 * Reads a change of an embedding, whose "input" is a token's id: a [rank, vocab] or, transposed, [vocab, rank]; b [dim, rank]. The result
 * is, as any other, the weight's rows [vocab, rank] times [rank, dim].
 */
export async function readEmbeddingPair(
  name: string,
  { a, b }: Pair,
  transposed: boolean,
  options: PairOptions,
): Promise<LowRank> {
  const { file, scale, signal } = options;
  const rank = b.cols;
  if ((transposed ? a.cols : a.rows) !== rank)
    throw damaged(file, `${name} has a rank of ${rank} on one side and of another one on the other`);
  const rows = await a.read(0, a.rows, signal);
  const tokens = transposed ? rows : turned(rows, a.rows, a.cols); // [vocab, rank]
  for (let i = 0; i < tokens.length; i++) tokens[i]! *= scale;
  return checked(file, name, { rank, a: turned(await b.read(0, b.rows, signal), b.rows, rank), b: tokens });
}

function checked(file: string, name: string, change: LowRank): LowRank {
  if (change.a.every(Number.isFinite) && change.b.every(Number.isFinite)) return change;
  throw damaged(file, `${name} has weights that are no numbers`);
}

function turned(values: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) for (let col = 0; col < cols; col++) out[col * rows + row] = values[row * cols + col]!;
  return out;
}
