// The numbers of a LLaMA, read from a GGUF file's metadata.
// Source: ggml/docs/gguf.md, "LLM"; llama.cpp src/llama-model.cpp, load_hparams.
import { EngineError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Shape } from "../base/model.ts";
import type { Variant } from "./llama.ts";

/**
 * The shape a file declares under `llama.*`. `embeddingRows` is the height of token_embd, which is the vocabulary whatever
 * the metadata says. Throws `bad_file` where a number is missing or impossible.
 */
export function shapeOf(metadata: Metadata, embeddingRows: number): Shape {
  const number = (key: string): number => positive(`llama.${key}`, metadata.number(`llama.${key}`));
  const optional = (key: string, fallback: number): number => (metadata.number(`llama.${key}`) === null ? fallback : number(key));
  const dim = number("embedding_length");
  const heads = number("attention.head_count");
  const kvHeads = optional("attention.head_count_kv", heads);
  const headDim = optional("attention.key_length", dim / heads);
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    throw bad(`A head of ${dim} / ${heads} = ${headDim} dimensions cannot be rotated.`);
  if (optional("attention.value_length", headDim) !== headDim) throw bad("Keys and values differ in length.");
  if (heads % kvHeads !== 0) throw bad(`${heads} heads cannot share ${kvHeads} key-value heads evenly.`);
  return {
    layers: number("block_count"),
    dim,
    ffnDim: number("feed_forward_length"),
    heads,
    kvHeads,
    headDim,
    vocab: embeddingRows,
    contextLength: number("context_length"),
    epsilon: number("attention.layer_norm_rms_epsilon"),
  };
}

/**
 * What the file declares beside its shape. llama.cpp leaves `sliding_window` of this architecture alone; we hold to it, as the models'
 * own code does: position p sees p - window + 1 to p. Throws `bad_file` where the experts a token takes are none or more than there are.
 */
export function variantOf(metadata: Metadata): Variant {
  const number = (key: string): number => metadata.number(`llama.${key}`) ?? 0;
  const [window, count, used] = [number("attention.sliding_window"), number("expert_count"), number("expert_used_count")];
  if (!(window >= 0 && Number.isInteger(window))) throw bad(`llama.attention.sliding_window is ${window}.`);
  if (count > 0 && !(Number.isInteger(count) && Number.isInteger(used) && used > 0 && used <= count)) {
    throw bad(`A token takes ${used} of ${count} experts.`);
  }
  return { window: window || null, experts: count > 0 ? { count, used } : null };
}

function positive(key: string, value: number | null): number {
  if (value === null) throw bad(`The file does not say ${key}.`);
  if (!(value > 0 && Number.isFinite(value))) throw bad(`${key} is ${value}.`);
  return value;
}

function bad(message: string): EngineError {
  return new EngineError("bad_file", message, "Download the file again, or choose another conversion of this model.");
}
