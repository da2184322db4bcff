// Small LLaMAs nobody trained, a mixture of experts and one with biases, as each publisher keeps such a model. Weights come of their names,
// so that tests/golden/transformers/make.py has the same ones without a file between the two.
import { type Bytes, utf8 } from "./bytes.ts";
import { halves } from "./llama.ts";
import { sentencePieceModel } from "./vocabulary.ts";
import { transpose, type StateDict, type Weights } from "./weights.ts";

const [DIM, FFN, HEADS, KV_HEADS, HEAD_DIM, LAYERS] = [64, 96, 4, 2, 16, 2];
export const EXPERTS = { count: 4, used: 2 } as const;

const BYTE_TOKENS = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
const TOKENS = ["<unk>", "<s>", "</s>", ...BYTE_TOKENS];
/** tokenizer.model: a token for every byte. */
export const TOKENIZER: Bytes = sentencePieceModel({
  tokens: TOKENS,
  scores: new Float32Array(TOKENS.length),
  types: TOKENS.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : 6)),
});

const NUMBERS = {
  hidden_size: DIM,
  intermediate_size: FFN,
  num_hidden_layers: LAYERS,
  num_attention_heads: HEADS,
  num_key_value_heads: KV_HEADS,
  vocab_size: TOKENS.length,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
};

/** config.json of the mixture. */
export const MIXTRAL: Bytes = json({
  ...NUMBERS,
  architectures: ["MixtralForCausalLM"],
  model_type: "mixtral",
  rope_theta: 1e6,
  sliding_window: null,
  num_local_experts: EXPERTS.count,
  num_experts_per_tok: EXPERTS.used,
});

/** config.json of the model with biases. */
export const BIASED: Bytes = json({
  ...NUMBERS,
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  attention_bias: true,
  mlp_bias: true,
});

/** params.json of the mixture. */
export const MISTRAL: Bytes = json({
  dim: DIM,
  n_layers: LAYERS,
  head_dim: HEAD_DIM,
  hidden_dim: FFN,
  n_heads: HEADS,
  n_kv_heads: KV_HEADS,
  norm_eps: 1e-5,
  vocab_size: TOKENS.length,
  max_seq_len: 512,
  moe: { num_experts_per_tok: EXPERTS.used, num_experts: EXPERTS.count },
});

/** The mixture's weights under the names and in the order of old GGUF files: blk.0.ffn_gate.3.weight. */
export function mixture(): Map<string, Weights> {
  return weights([
    ["ffn_gate_inp", EXPERTS.count, DIM],
    ...Array.from({ length: EXPERTS.count }, (_, expert) =>
      network().map(([part, rows, cols]): Matrix => [`${part}.${expert}`, rows, cols]),
    ).flat(),
  ]);
}

/** The other model's, a bias for every matrix of a layer. */
export function biased(): Map<string, Weights> {
  const dict = weights(network());
  for (const [name, { extents }] of [...dict]) {
    if (!/^blk\.\d+\.(attn|ffn)_(?!norm)/.test(name)) continue;
    const bias = name.replace(/\.weight$/, ".bias");
    dict.set(bias, { extents: [extents[0]!], values: byName(bias, extents[0]!, 0) });
  }
  return dict;
}

type Matrix = readonly [part: string, rows: number, cols: number];

function network(): Matrix[] {
  return [
    ["ffn_gate", FFN, DIM],
    ["ffn_down", DIM, FFN],
    ["ffn_up", FFN, DIM],
  ];
}

function weights(feedForward: readonly Matrix[]): Map<string, Weights> {
  const dict = new Map<string, Weights>();
  const norm = (name: string): unknown => dict.set(name, { extents: [DIM], values: byName(name, DIM, 1) });
  const matrix = (name: string, rows: number, cols: number): unknown =>
    dict.set(name, { extents: [rows, cols], values: byName(name, rows * cols, 0) });
  matrix("token_embd.weight", TOKENS.length, DIM);
  for (let layer = 0; layer < LAYERS; layer++) {
    norm(`blk.${layer}.attn_norm.weight`);
    matrix(`blk.${layer}.attn_q.weight`, HEADS * HEAD_DIM, DIM);
    matrix(`blk.${layer}.attn_k.weight`, KV_HEADS * HEAD_DIM, DIM);
    matrix(`blk.${layer}.attn_v.weight`, KV_HEADS * HEAD_DIM, DIM);
    matrix(`blk.${layer}.attn_output.weight`, DIM, HEADS * HEAD_DIM);
    norm(`blk.${layer}.ffn_norm.weight`);
    for (const [part, rows, cols] of feedForward) matrix(`blk.${layer}.${part}.weight`, rows, cols);
  }
  norm("output_norm.weight");
  matrix("output.weight", TOKENS.length, DIM);
  return dict;
}

/** Numbers within a quarter of `around`, by a linear congruence whose seed is the name's FNV-1a. */
function byName(name: string, count: number, around: number): Float32Array {
  let state = 0x811c9dc5;
  for (const byte of utf8(name)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return around + (state / 2 ** 32 - 0.5) / 2;
  });
}

/** GGUF's parts as Hugging Face and Mistral call them. */
const PARTS: Readonly<Record<string, readonly [hugging: string, mistral: string]>> = {
  attn_norm: ["input_layernorm", "attention_norm"],
  attn_q: ["self_attn.q_proj", "attention.wq"],
  attn_k: ["self_attn.k_proj", "attention.wk"],
  attn_v: ["self_attn.v_proj", "attention.wv"],
  attn_output: ["self_attn.o_proj", "attention.wo"],
  ffn_norm: ["post_attention_layernorm", "ffn_norm"],
  ffn_gate: ["mlp.gate_proj", "feed_forward.w1"],
  ffn_down: ["mlp.down_proj", "feed_forward.w2"],
  ffn_up: ["mlp.up_proj", "feed_forward.w3"],
  ffn_gate_inp: ["block_sparse_moe.gate", "feed_forward.gate"],
};
const FRAME: Readonly<Record<string, readonly [hugging: string, mistral: string]>> = {
  token_embd: ["model.embed_tokens", "tok_embeddings"],
  output_norm: ["model.norm", "norm"],
  output: ["lm_head", "output"],
};
const KINDS: Readonly<Record<string, string>> = { ffn_gate: "w1", ffn_down: "w2", ffn_up: "w3" };

/** As save_pretrained writes either. */
export function hugging(gguf: StateDict): Map<string, Weights> {
  const dict = renamed(gguf, 0);
  for (const [name, of] of dict) if (/[qk]_proj/.test(name)) dict.set(name, halves(of, HEAD_DIM));
  return dict;
}

/** The mixture as transformers 5 has it in memory, and torch.save writes it: gate above up, experts stacked. */
export function huggingFused(gguf: StateDict): Map<string, Weights> {
  const dict = stacked(hugging(gguf), /^(model\.layers\.\d+)\.block_sparse_moe\.experts\.\d+\.(w[123])\.weight$/);
  const fused = new Map<string, Weights>();
  for (const [name, of] of dict) {
    const [, layer, kind] = /^(.+) (w[123])$/.exec(name) ?? [];
    if (layer === undefined) fused.set(name.replace("block_sparse_moe.gate", "mlp.gate"), of[0]!);
    else if (kind === "w2") fused.set(`${layer}.mlp.experts.down_proj`, cube(of));
    else if (kind === "w3") {
      const pairs = of.map((up, expert) => below([dict.get(`${layer} w1`)![expert]!, up]));
      fused.set(`${layer}.mlp.experts.gate_up_proj`, cube(pairs));
    }
  }
  return fused;
}

/** The mixture as mistral-inference reads it. */
export function mistral(gguf: StateDict): Map<string, Weights> {
  return renamed(gguf, 1);
}

/** The mixture as Mistral first released it: all experts in a matrix, w2 on its side. */
export function mistralFirst(gguf: StateDict): Map<string, Weights> {
  const dict = stacked(mistral(gguf), /^(layers\.\d+)\.feed_forward\.experts\.\d+\.(w[123])\.weight$/);
  const first = new Map<string, Weights>();
  for (const [name, of] of dict) {
    const [, layer, kind] = /^(.+) (w[123])$/.exec(name) ?? [];
    if (layer === undefined) first.set(name.replace("feed_forward.gate", "block_sparse_moe.gate"), of[0]!);
    else first.set(`${layer}.block_sparse_moe.${kind}`, below(kind === "w2" ? of.map(transpose) : of));
  }
  return first;
}

function renamed(gguf: StateDict, publisher: 0 | 1): Map<string, Weights> {
  const prefix = publisher === 0 ? "model.layers" : "layers";
  const experts = publisher === 0 ? "block_sparse_moe.experts" : "feed_forward.experts";
  const dict = new Map<string, Weights>();
  for (const [name, of] of gguf) {
    const [, layer, part = "", expert, kind] = /^blk\.(\d+)\.(\w+)(?:\.(\d+))?\.(weight|bias)$/.exec(name) ?? [];
    if (layer === undefined) dict.set(`${FRAME[name.replace(/\.weight$/, "")]![publisher]}.weight`, of);
    else if (expert === undefined) dict.set(`${prefix}.${layer}.${PARTS[part]![publisher]}.${kind}`, of);
    else dict.set(`${prefix}.${layer}.${experts}.${expert}.${KINDS[part]!}.weight`, of);
  }
  return dict;
}

/** Tensors by name; experts of a layer together under "LAYER w1". */
function stacked(dict: StateDict, expert: RegExp): Map<string, Weights[]> {
  const all = new Map<string, Weights[]>();
  for (const [name, of] of dict) {
    const [, layer, kind] = expert.exec(name) ?? [];
    const key = layer === undefined ? name : `${layer} ${kind}`;
    all.set(key, [...(all.get(key) ?? []), of]);
  }
  return all;
}

function below(matrices: readonly Weights[]): Weights {
  const values = new Float32Array(matrices.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const matrix of matrices) {
    values.set(matrix.values, at);
    at += matrix.values.length;
  }
  const cols = matrices[0]!.extents[1]!;
  return { extents: [values.length / cols, cols], values };
}

function cube(matrices: readonly Weights[]): Weights {
  return { ...below(matrices), extents: [matrices.length, ...matrices[0]!.extents] };
}

function json(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}
