// A LLaMA that nobody trained, as Hugging Face would publish it: for tests that need bytes more than words.
import type { Bytes } from "./bytes.ts";
import { utf8 } from "./bytes.ts";
import { safetensors } from "./safetensors.ts";
import { sentencePieceModel } from "./vocabulary.ts";
import type { Weights } from "./weights.ts";

const [DIM, FFN, LAYERS, HEADS] = [512, 1536, 6, 8];
const BYTE_TOKENS = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
const TOKENS = ["<unk>", "<s>", "</s>", ...BYTE_TOKENS];

/** Files of a model of 21 million weights in half precision, by their names. */
export function madeUpModel(): Record<string, Bytes> {
  const weights = new Map<string, Weights>([
    ["model.embed_tokens.weight", matrix(TOKENS.length, DIM)],
    ["model.norm.weight", vector()],
    ["lm_head.weight", matrix(TOKENS.length, DIM)],
  ]);
  for (let layer = 0; layer < LAYERS; layer++) {
    const put = (part: string, of: Weights): unknown => weights.set(`model.layers.${layer}.${part}.weight`, of);
    for (const part of ["q", "k", "v", "o"]) put(`self_attn.${part}_proj`, matrix(DIM, DIM));
    for (const part of ["gate", "up"]) put(`mlp.${part}_proj`, matrix(FFN, DIM));
    put("mlp.down_proj", matrix(DIM, FFN));
    for (const part of ["input", "post_attention"]) put(`${part}_layernorm`, vector());
  }
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: DIM,
    intermediate_size: FFN,
    num_hidden_layers: LAYERS,
    num_attention_heads: HEADS,
    num_key_value_heads: HEADS,
    vocab_size: TOKENS.length,
    max_position_embeddings: 512,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
  };
  const types = TOKENS.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : 6));
  return {
    "model.safetensors": safetensors(weights, "F16"),
    "config.json": utf8(JSON.stringify(config)),
    "tokenizer.model": sentencePieceModel({ tokens: TOKENS, scores: new Float32Array(TOKENS.length), types }),
  };
}

function matrix(rows: number, cols: number): Weights {
  // Any numbers will do, as long as no two stretches of them are alike.
  return { extents: [rows, cols], values: Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i * 1.7 + rows) / 16) };
}

function vector(): Weights {
  return { extents: [DIM], values: new Float32Array(DIM).fill(1) };
}
