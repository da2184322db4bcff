// stories260K as its publishers would have published it: Meta's, Hugging Face's and EasyLM's names and orders, from its GGUF file.
import { join as joinPath } from "node:path";
import { QUANTS } from "../../../shaders/quant/index.ts";
import { readGguf } from "../../../workers/engine/gguf/read.ts";
import { GOLDEN } from "../models.ts";
import { fileSource } from "../sources.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { transpose, type StateDict, type Weights } from "./weights.ts";

const HEAD_DIM = 8;
/** Parts of a layer: GGUF's names, Meta's, and Hugging Face's. */
const PARTS: readonly (readonly [gguf: string, meta: string, hugging: string])[] = [
  ["attn_norm", "attention_norm", "input_layernorm"],
  ["attn_q", "attention.wq", "self_attn.q_proj"],
  ["attn_k", "attention.wk", "self_attn.k_proj"],
  ["attn_v", "attention.wv", "self_attn.v_proj"],
  ["attn_output", "attention.wo", "self_attn.o_proj"],
  ["ffn_norm", "ffn_norm", "post_attention_layernorm"],
  ["ffn_gate", "feed_forward.w1", "mlp.gate_proj"],
  ["ffn_down", "feed_forward.w2", "mlp.down_proj"],
  ["ffn_up", "feed_forward.w3", "mlp.up_proj"],
];

export const PARAMS = {
  dim: 64,
  multiple_of: 4,
  n_heads: 8,
  n_kv_heads: 4,
  n_layers: 5,
  norm_eps: 1e-5,
  vocab_size: 512,
  max_seq_len: 512,
};
export const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  vocab_size: 512,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
};

/** The weights under GGUF's names, a head of their own added, and the vocabulary. */
export interface Stories {
  readonly gguf: StateDict;
  readonly vocabulary: Vocabulary;
}

/** Reads stories260K.f32.gguf of the golden material. */
export async function stories(): Promise<Stories> {
  const source = fileSource(joinPath(GOLDEN!, "stories260K.f32.gguf"));
  const { tensors, metadata } = await readGguf(source);
  const gguf = new Map<string, Weights>();
  for (const { name, type, rows, cols, offset, sizeBytes } of tensors.values()) {
    const values = new Float32Array(rows * cols);
    QUANTS[type].dequantize(await source.read(offset, sizeBytes), values);
    gguf.set(name, { extents: rows > 1 ? [rows, cols] : [cols], values });
  }
  if (!gguf.has("output.weight")) gguf.set("output.weight", gguf.get("token_embd.weight")!);
  source.close();
  const numbers = (key: string): ArrayLike<number> => metadata.numbers(`tokenizer.ggml.${key}`)!;
  const vocabulary = {
    tokens: metadata.texts("tokenizer.ggml.tokens")!,
    scores: numbers("scores"),
    types: numbers("token_type"),
  };
  return { gguf, vocabulary };
}

/** Meta's names: the order of rows is GGUF's. */
export function asMeta(gguf: StateDict): Map<string, Weights> {
  return named(gguf, ["tok_embeddings", "norm", "output"], (layer, [, meta]) => `layers.${layer}.${meta}.weight`);
}

/** Hugging Face's names, and its order of the rows of q and k in each head. */
export function asHuggingFace(gguf: StateDict, headDim = HEAD_DIM): Map<string, Weights> {
  const names = ["model.embed_tokens", "model.norm", "lm_head"] as const;
  const dict = named(gguf, names, (layer, [, , hugging]) => `model.layers.${layer}.${hugging}.weight`);
  for (const [name, weights] of dict) if (/[qk]_proj/.test(name)) dict.set(name, halves(weights, headDim));
  return dict;
}

/** EasyLM's names; linear maps on their side. */
export function asEasyLm(gguf: StateDict): Map<string, Weights> {
  const dict = new Map<string, Weights>();
  for (const [name, weights] of asMeta(gguf)) {
    const plain = name.replace(/\.weight$/, "").replace(/^layers\./, "transformer.h.");
    const frame = { tok_embeddings: "transformer.wte.embedding", norm: "transformer.ln_f.kernel", output: "lm_head.kernel" }[
      plain
    ];
    const linear = weights.extents.length === 2 && plain !== "tok_embeddings";
    dict.set(frame ?? `${plain}.kernel`, linear ? transpose(weights) : weights);
  }
  return dict;
}

function named(
  gguf: StateDict,
  [embedding, norm, output]: readonly [string, string, string] | readonly string[],
  layerName: (layer: string, part: (typeof PARTS)[number]) => string,
): Map<string, Weights> {
  const dict = new Map<string, Weights>();
  for (const [name, weights] of gguf) {
    const [, layer, part] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
    const found = PARTS.find(([ours]) => ours === part);
    const frame = { "token_embd.weight": embedding, "output_norm.weight": norm, "output.weight": output }[name];
    dict.set(found && layer !== undefined ? layerName(layer, found) : `${frame}.weight`, weights);
  }
  return dict;
}

/** Rows of each head, or elements of a bias: first those of even places, then those of odd ones. */
export function halves({ extents, values }: Weights, headDim: number): Weights {
  const [rows = 0, cols = 1] = extents;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const to = row - within + (within % 2) * (headDim / 2) + (within >> 1);
    out.set(values.subarray(row * cols, (row + 1) * cols), to * cols);
  }
  return { extents, values: out };
}
