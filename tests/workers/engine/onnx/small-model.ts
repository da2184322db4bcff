// A LLaMA of random weights as a whole GGUF file: grouped heads, a head of its own, a byte-level vocabulary with a few merges.
import { random } from "../../../../workers/engine/base/random.ts";
import { BYTE_CHARACTERS } from "../../../../workers/engine/text/bytes.ts";
import { f32, ggufBytes, i32s, text, texts, u32 } from "../../../golden/gguf-writer.ts";

const [DIM, FFN, LAYERS, HEADS, KV_HEADS, WIDTH] = [64, 96, 2, 4, 2, 16];
const MERGES = ["t h", "th e", "Ġ t", "Ġt h", "o n", "c e"];
const TOKENS = [...BYTE_CHARACTERS, ...MERGES.map((merge) => merge.replace(" ", "")), "<|end|>"];

/** The file: the same bytes every time. */
export function smallModel(): Uint8Array<ArrayBuffer> {
  let seed = 0;
  const tensor = (name: string, cols: number, rows?: number) => {
    const [own, count] = [++seed, cols * (rows ?? 1)];
    // Weights of a matrix have a spread that keeps the hidden state's; norms are about 1.
    const value = (i: number): number =>
      rows === undefined ? 1 + (random(own, i) - 0.5) / 4 : (random(own, i) - 0.5) * 4 * cols ** -0.5;
    const bytes = (): Uint8Array => new Uint8Array(Float32Array.from({ length: count }, (_, i) => value(i)).buffer);
    return { name, type: "F32" as const, extents: rows === undefined ? [cols] : [cols, rows], bytes };
  };
  const layers = Array.from({ length: LAYERS }, (_, layer) => [
    tensor(`blk.${layer}.attn_norm.weight`, DIM),
    tensor(`blk.${layer}.attn_q.weight`, DIM, HEADS * WIDTH),
    tensor(`blk.${layer}.attn_k.weight`, DIM, KV_HEADS * WIDTH),
    tensor(`blk.${layer}.attn_v.weight`, DIM, KV_HEADS * WIDTH),
    tensor(`blk.${layer}.attn_output.weight`, HEADS * WIDTH, DIM),
    tensor(`blk.${layer}.ffn_norm.weight`, DIM),
    tensor(`blk.${layer}.ffn_gate.weight`, DIM, FFN),
    tensor(`blk.${layer}.ffn_up.weight`, DIM, FFN),
    tensor(`blk.${layer}.ffn_down.weight`, FFN, DIM),
  ]);
  return ggufBytes({
    metadata: {
      "general.architecture": text("llama"),
      "general.name": text("Small"),
      "llama.block_count": u32(LAYERS),
      "llama.context_length": u32(128),
      "llama.embedding_length": u32(DIM),
      "llama.feed_forward_length": u32(FFN),
      "llama.attention.head_count": u32(HEADS),
      "llama.attention.head_count_kv": u32(KV_HEADS),
      "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
      "tokenizer.ggml.model": text("gpt2"),
      "tokenizer.ggml.pre": text("smollm"),
      "tokenizer.ggml.tokens": texts(TOKENS),
      "tokenizer.ggml.token_type": i32s(TOKENS.map((_, id) => (id === TOKENS.length - 1 ? 3 : 1))),
      "tokenizer.ggml.merges": texts(MERGES),
      "tokenizer.ggml.eos_token_id": u32(TOKENS.length - 1),
    },
    tensors: [
      tensor("token_embd.weight", DIM, TOKENS.length),
      tensor("output_norm.weight", DIM),
      tensor("output.weight", DIM, TOKENS.length),
      ...layers.flat(),
    ],
  });
}
