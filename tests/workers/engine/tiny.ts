// A whole model file of a few kilobytes, and a backend that knows what comes after each of its tokens.
import type { Backend, Snapshots } from "../../../workers/engine/base/backend.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import { BYTE_CHARACTERS } from "../../../workers/engine/text/bytes.ts";
import { type Entry, f32, ggufBytes, i32s, text, texts, u32 } from "../../golden/gguf-writer.ts";

/** The bytes, then words, then the tokens of ChatML. */
const WORDS = ["The", "Ġllama", "Ġhums", "."];
export const TOKENS: readonly string[] = [...BYTE_CHARACTERS, ...WORDS, "<|im_start|>", "<|im_end|>"];
const END = TOKENS.length - 1;
const [FIRST, LAST] = [256, 256 + WORDS.length - 1];

/** What the model says to anything. */
export const SAYING = "The llama hums.";

/** The file; `metadata` goes over its own. */
export function tinyGguf(metadata: Record<string, Entry> = {}): Uint8Array<ArrayBuffer> {
  const tensor = (name: string, ...extents: number[]) => {
    const bytes = 4 * extents.reduce((product, extent) => product * extent, 1);
    return { name, type: "F32" as const, extents, bytes: () => new Uint8Array(bytes) };
  };
  const [dim, ffn] = [32, 64];
  return ggufBytes({
    metadata: {
      "general.architecture": text("llama"),
      "general.name": text("Tiny"),
      "llama.block_count": u32(1),
      "llama.context_length": u32(64),
      "llama.embedding_length": u32(dim),
      "llama.feed_forward_length": u32(ffn),
      "llama.attention.head_count": u32(2),
      "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
      "tokenizer.ggml.model": text("gpt2"),
      "tokenizer.ggml.pre": text("smollm"),
      "tokenizer.ggml.tokens": texts(TOKENS),
      "tokenizer.ggml.token_type": i32s(TOKENS.map((_, id) => (id >= END - 1 ? 3 : 1))),
      "tokenizer.ggml.merges": texts([]),
      "tokenizer.ggml.eos_token_id": u32(END),
      ...metadata,
    },
    tensors: [
      tensor("token_embd.weight", dim, TOKENS.length),
      tensor("output_norm.weight", dim),
      ...["attn_q", "attn_k", "attn_v", "attn_output"].map((part) => tensor(`blk.0.${part}.weight`, dim, dim)),
      tensor("blk.0.attn_norm.weight", dim),
      tensor("blk.0.ffn_norm.weight", dim),
      tensor("blk.0.ffn_gate.weight", dim, ffn),
      tensor("blk.0.ffn_up.weight", dim, ffn),
      tensor("blk.0.ffn_down.weight", ffn, dim),
    ],
  });
}

/** A backend that computes nothing: after a word comes the next one, after the last the end, after anything else the first. */
export class TinyBackend implements Backend {
  readonly info = {
    backend: "wasm",
    tier: "none",
    reason: "A test.",
    threads: 1,
    weightBytesPerToken: 0,
    memoryBytes: 4096,
  } as const;
  readonly chunk = 8;
  readonly rowGroup = 1;
  readonly decode = null;
  readonly hidden = null;
  readonly snapshots: Snapshots | null = null;
  readonly adapters = null;
  disposed = false;
  /** Waits before each forward pass, so that tests can stop in between. */
  beforeForward: () => Promise<void> = () => Promise.resolve();

  constructor(readonly contextLength = 64) {}

  write(): Promise<void> {
    return Promise.resolve();
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  async forward(tokens: Uint32Array, _at: number, logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array> {
    await this.beforeForward();
    if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
    const rows = logits === "none" ? [] : [...tokens].slice(logits === "all" ? 0 : -1);
    return Float32Array.from(rows.flatMap((token) => TOKENS.map((_, id) => (id === after(token) ? 10 : 0))));
  }

  dispose(): void {
    this.disposed = true;
  }
}

function after(token: number): number {
  if (token < FIRST || token > LAST) return FIRST;
  return token === LAST ? END : token + 1;
}
