// What each publisher calls the tensors of a LLaMA, and GGUF's name for the same.
// Source: meta-llama/llama model.py; huggingface/transformers modeling_llama.py; young-geng/EasyLM llama_model.py;
// llama.cpp gguf-py/gguf/tensor_mapping.py.

/** How a publisher's tensor differs from GGUF's besides its name. */
export interface NamedTensor {
  readonly name: string;
  /** q and k rows: which of a head's two orders they are in, and whose heads they are. */
  readonly rotated: "q" | "k" | null;
  /** Meta's shards: whether rows or columns are spread over them; null where each has a copy of the whole. */
  readonly split: "rows" | "cols" | null;
}

/** One part of a layer or of the frame around the layers. */
interface Part {
  readonly gguf: string;
  readonly meta: string;
  readonly hugging: string;
  readonly split: NamedTensor["split"];
  readonly rotated?: "q" | "k";
}

const FRAME: readonly Part[] = [
  { gguf: "token_embd", meta: "tok_embeddings", hugging: "embed_tokens", split: "cols" },
  { gguf: "output_norm", meta: "norm", hugging: "norm", split: null },
  { gguf: "output", meta: "output", hugging: "lm_head", split: "rows" },
];

const LAYER: readonly Part[] = [
  { gguf: "attn_norm", meta: "attention_norm", hugging: "input_layernorm", split: null },
  { gguf: "attn_q", meta: "attention.wq", hugging: "self_attn.q_proj", split: "rows", rotated: "q" },
  { gguf: "attn_k", meta: "attention.wk", hugging: "self_attn.k_proj", split: "rows", rotated: "k" },
  { gguf: "attn_v", meta: "attention.wv", hugging: "self_attn.v_proj", split: "rows" },
  { gguf: "attn_output", meta: "attention.wo", hugging: "self_attn.o_proj", split: "cols" },
  { gguf: "ffn_norm", meta: "ffn_norm", hugging: "post_attention_layernorm", split: null },
];

const NETWORK: readonly Part[] = [
  { gguf: "ffn_gate", meta: "feed_forward.w1", hugging: "mlp.gate_proj", split: "rows" },
  { gguf: "ffn_down", meta: "feed_forward.w2", hugging: "mlp.down_proj", split: "cols" },
  { gguf: "ffn_up", meta: "feed_forward.w3", hugging: "mlp.up_proj", split: "rows" },
];

/** Of a mixture of experts. The experts' own tensors have their names in experts.ts. */
const ROUTERS: readonly Part[] = [
  { gguf: "ffn_gate_inp", meta: "feed_forward.gate", hugging: "block_sparse_moe.gate", split: null },
  { gguf: "ffn_gate_inp", meta: "block_sparse_moe.gate", hugging: "mlp.gate", split: null },
];
const MIXTURE = ["ffn_gate_inp", "ffn_gate_exps", "ffn_down_exps", "ffn_up_exps"];

const EASYLM_FRAME: Readonly<Record<string, string>> = {
  "transformer.wte.embedding": "tok_embeddings",
  "transformer.ln_f.kernel": "norm",
  "lm_head.kernel": "output",
};

/** What is computed from the configuration, whoever stored it. */
const DERIVED = /(^|\.)rope\.freqs$|rotary_emb\.inv_freq$|\.attn\.(masked_)?bias$/;

/** Whether a tensor says nothing that the configuration does not. */
export function isDerived(name: string): boolean {
  return DERIVED.test(name);
}

/** Meta's name in GGUF's terms; null for one that no LLaMA has. */
export function metaName(name: string): NamedTensor | null {
  return find(name, "meta");
}

/** Hugging Face's name, with and without the "model." that wraps the layers; null for one that no LLaMA has. */
export function huggingFaceName(name: string): NamedTensor | null {
  return find(unwrapped(name), "hugging");
}

/** Hugging Face's name without what wraps the layers. */
export function unwrapped(name: string): string {
  return name.replace(/^(module\.)?(model\.)?/, "");
}

/** EasyLM's name; null for one that no LLaMA has. Linear maps are stored transposed. */
export function easyLmName(name: string): (NamedTensor & { readonly transposed: boolean }) | null {
  const layer = /^transformer\.h\.(\d+)\.(.+)\.kernel$/.exec(name);
  const meta = layer ? `layers.${layer[1]}.${layer[2]}.weight` : `${EASYLM_FRAME[name] ?? "?"}.weight`;
  const found = metaName(meta);
  return found && { ...found, transposed: !found.name.includes("_norm") && found.name !== "token_embd.weight" };
}

/** Tensors of a LLaMA of so many layers, in the order in which a GGUF file has them. */
export function tensorNames(layers: number, isMixture: boolean): string[] {
  const parts = [...LAYER.map(({ gguf }) => gguf), ...(isMixture ? MIXTURE : NETWORK.map(({ gguf }) => gguf))];
  const blocks = Array.from({ length: layers }, (_, layer) => parts.map((part) => `blk.${layer}.${part}.weight`));
  return ["token_embd.weight", ...blocks.flat(), "output_norm.weight", "output.weight"];
}

function find(theirs: string, publisher: "meta" | "hugging"): NamedTensor | null {
  const [, name = "", kind] = /^(.+)\.(weight|bias)$/.exec(theirs) ?? [];
  const layer = /^layers\.(\d+)\.(.+)$/.exec(name);
  const [parts, prefix, local] = layer
    ? [[...LAYER, ...NETWORK, ...ROUTERS], `blk.${Number(layer[1])}.`, layer[2]!]
    : [FRAME, "", name];
  const part = parts.find((candidate) => candidate[publisher] === local);
  return part ? { name: `${prefix}${part.gguf}.${kind}`, rotated: part.rotated ?? null, split: part.split } : null;
}
