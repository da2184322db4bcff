// Texts become vectors: the mean over its tokens of a text's last hidden states, normed as the head would have them, of length 1.
// Source: llama.cpp src/llama-graph.cpp, LLAMA_POOLING_TYPE_MEAN; common/common.cpp, common_embd_normalize.
import { QUANTS } from "../../shaders/quant/index.ts";
import type { Norm } from "./base/model.ts";
import type { EmbeddingRequest, Embeddings } from "./base/openai.ts";
import { badRequest, recordOf } from "./base/request.ts";
import { isGguf, type Loadable } from "./loadable.ts";
import type { Session } from "./model/session.ts";
import { tokenIds } from "./parameters.ts";

/** Texts at once: more than that is a collection, to be sent in parts. */
const MOST_INPUTS = 2048;

/** A checked request. */
export interface EmbeddingWishes {
  /** Token ids of each text, none empty. */
  readonly inputs: readonly (readonly number[])[];
  readonly base64: boolean;
}

/** Checks a request and turns its texts into tokens, as a prompt begins. Throws `bad_request`, naming the field. */
export function embeddingWishes(request: EmbeddingRequest, { tokenizer }: Loadable, contextLength: number): EmbeddingWishes {
  const { input, encoding_format: format = "float", dimensions }: Record<string, unknown> = recordOf(request, "The request");
  if (dimensions !== undefined && dimensions !== null)
    throw badRequest("dimensions can't be chosen: a model's vectors are as wide as the model.");
  if (format !== null && format !== "float" && format !== "base64")
    throw badRequest(`encoding_format is ${JSON.stringify(format)}; it can be "float" or "base64".`);
  const inputs = listOf(input).map((one, index) => {
    const where = `input[${index}]`;
    if (typeof one !== "string" && !Array.isArray(one)) throw badRequest(`${where} must be text or a list of token ids.`);
    const ids = typeof one === "string" ? tokenizer.encode(one, { bos: tokenizer.addBos }) : tokenIds(one, tokenizer.vocab);
    if (one.length === 0 || ids.length === 0) throw badRequest(`${where} is empty.`);
    if (ids.length > contextLength)
      throw badRequest(`${where} has ${ids.length} tokens; the context has room for ${contextLength}.`);
    return ids;
  });
  return { inputs, base64: format === "base64" };
}

/** One vector a text, in order. The KV cache is used for it; `pause` is called between two texts. Throws `bad_request` where the model's states can't be had, `aborted`. */
export async function embed(
  session: Session,
  file: Loadable,
  model: string,
  { inputs, base64 }: EmbeddingWishes,
  signal?: AbortSignal,
  pause?: () => Promise<unknown>,
): Promise<Embeddings> {
  const { hidden } = session;
  if (!hidden || !isGguf(file)) throw badRequest("This model gives no embeddings: its hidden states are out of reach here.");
  const norm = await headNorm(file, signal);
  const data: Embeddings["data"][number][] = [];
  for (const [index, tokens] of inputs.entries()) {
    const pool = new MeanPool(norm.weight, norm.epsilon);
    await hidden(tokens, (rows) => pool.take(rows), signal);
    const vector = pool.vector();
    await pause?.();
    data.push({ object: "embedding", index, embedding: base64 ? toBase64(vector) : [...vector] });
  }
  const tokens = inputs.reduce((sum, { length }) => sum + length, 0);
  return { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** The mean of RMS-normed rows, brought to length 1. */
export class MeanPool {
  private readonly sum: Float64Array;

  /** weight [dim]. */
  constructor(
    private readonly weight: Float32Array,
    private readonly epsilon: number,
  ) {
    this.sum = new Float64Array(weight.length);
  }

  /** Adds hidden states [rows, dim]. */
  take(states: Float32Array): void {
    const dim = this.weight.length;
    for (let start = 0; start < states.length; start += dim) {
      const row = states.subarray(start, start + dim);
      const square = row.reduce((total, x) => total + x * x, 0);
      const scale = 1 / Math.sqrt(square / dim + this.epsilon);
      row.forEach((x, i) => (this.sum[i]! += x * scale));
    }
  }

  /** The number of rows falls out of a vector of length 1. */
  vector(): Float32Array {
    const weighted = this.sum.map((x, i) => x * this.weight[i]!);
    const length = Math.hypot(...weighted);
    return Float32Array.from(weighted, (x) => (length > 0 ? x / length : 0));
  }
}

/** The norm before the head, its weight read from the file. */
async function headNorm(
  { source, model }: Extract<Loadable, { model: unknown }>,
  signal?: AbortSignal,
): Promise<{ weight: Float32Array; epsilon: number }> {
  const norms = model.segments.flatMap(({ steps }) =>
    steps.flatMap((step): Norm[] => (step.op === "linear" && step.out === "logits" && step.norm ? [step.norm] : [])),
  );
  const { weight: tensor, epsilon } = norms[0]!;
  const weight = new Float32Array(tensor.cols);
  QUANTS[tensor.type].dequantize(await source.read(tensor.offset, tensor.sizeBytes, signal), weight);
  return { weight, epsilon };
}

/** One text, its ids, or a list of either. */
function listOf(input: unknown): unknown[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input) || input.length === 0) throw badRequest("input must be a text or a list of texts.");
  if (input.length > MOST_INPUTS && typeof input[0] !== "number")
    throw badRequest(`input has ${input.length} texts; ${MOST_INPUTS} are taken at once.`);
  return typeof input[0] === "number" ? [input] : input;
}

function toBase64(vector: Float32Array): string {
  const bytes = new Uint8Array(vector.length * 4);
  const view = new DataView(bytes.buffer);
  vector.forEach((x, i) => view.setFloat32(4 * i, x, true));
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
