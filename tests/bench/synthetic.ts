// LLaMA files of real shapes with random weights, for measuring where no trained file is at hand. Kept under .cache/.
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { QUANTS, type QuantName } from "../../shaders/quant/index.ts";
import { readGguf } from "../../workers/engine/gguf/read.ts";
import { type Entry, f32, flag, i32s, type NewTensor, tensorBytes, text, texts, u32, writeGguf } from "../golden/gguf-writer.ts";
import { fileSource } from "../golden/sources.ts";

const CACHE = join(import.meta.dirname, "../../.cache/synthetic");

/** The numbers of a model, as its paper gives them. */
export interface SyntheticShape {
  readonly layers: number;
  readonly dim: number;
  readonly ffnDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly ropeBase: number;
  /** The embedding is the head too. */
  readonly tied: boolean;
}

export const SHAPES = {
  "1.1b": { layers: 22, dim: 2048, ffnDim: 5632, heads: 32, kvHeads: 4, headDim: 64, vocab: 32000, ropeBase: 1e4, tied: false }, // TinyLlama
  "3b": { layers: 28, dim: 3072, ffnDim: 8192, heads: 24, kvHeads: 8, headDim: 128, vocab: 128256, ropeBase: 5e5, tied: true }, // Llama 3.2
  "7b": { layers: 32, dim: 4096, ffnDim: 11008, heads: 32, kvHeads: 32, headDim: 128, vocab: 32000, ropeBase: 1e4, tied: false }, // LLaMA 2
  "8b": { layers: 32, dim: 4096, ffnDim: 14336, heads: 32, kvHeads: 8, headDim: 128, vocab: 128256, ropeBase: 5e5, tied: false }, // Llama 3.1
} as const satisfies Record<string, SyntheticShape>;

/**
 * The file of a shape, its matrices packed as `type` and its head as Q6_K, as llama-quantize does; made at the first call.
 * The vocabulary is cut or stretched from `tokenizerFile`, so that text becomes tokens as usual. The same call gives the same bytes.
 */
export async function synthesize(name: keyof typeof SHAPES, type: QuantName, tokenizerFile: string): Promise<string> {
  const path = join(CACHE, `${name}.${type}.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const shape: SyntheticShape = SHAPES[name];
  const unfinished = `${path}.${process.pid}`;
  const metadata = { ...metadataOf(name, shape), ...(await vocabulary(tokenizerFile, shape.vocab)) };
  writeGguf(unfinished, { metadata, tensors: tensorsOf(shape, type) });
  renameSync(unfinished, path);
  return path;
}

function metadataOf(name: string, shape: SyntheticShape): Record<string, Entry> {
  return {
    "general.architecture": text("llama"),
    "general.name": text(`Random weights in the shape of LLaMA ${name}`),
    "llama.block_count": u32(shape.layers),
    "llama.context_length": u32(8192),
    "llama.embedding_length": u32(shape.dim),
    "llama.feed_forward_length": u32(shape.ffnDim),
    "llama.attention.head_count": u32(shape.heads),
    "llama.attention.head_count_kv": u32(shape.kvHeads),
    "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
    "llama.rope.dimension_count": u32(shape.headDim),
    "llama.rope.freq_base": f32(shape.ropeBase),
    "llama.vocab_size": u32(shape.vocab),
  };
}

/** The first `size` tokens of a byte-level BPE vocabulary with the merges among them, then tokens that no text becomes. */
async function vocabulary(file: string, size: number): Promise<Record<string, Entry>> {
  const source = fileSource(file);
  const { metadata } = await readGguf(source);
  source.close();
  const known = metadata.texts("tokenizer.ggml.tokens")!.slice(0, size);
  const types = metadata.numbers("tokenizer.ggml.token_type")!;
  const spelled = new Set(known);
  const merges = metadata.texts("tokenizer.ggml.merges")!.filter((merge) => spelled.has(merge.replace(" ", "")));
  const UNUSED = 5; // llama_token_type
  return {
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.pre": text(metadata.text("tokenizer.ggml.pre") ?? "smollm"),
    "tokenizer.ggml.tokens": texts(Array.from({ length: size }, (_, id) => known[id] ?? `[unused ${id}]`)),
    "tokenizer.ggml.token_type": i32s(Array.from({ length: size }, (_, id) => (id < known.length ? types[id]! : UNUSED))),
    "tokenizer.ggml.merges": texts(merges),
    "tokenizer.ggml.bos_token_id": u32(metadata.number("tokenizer.ggml.bos_token_id", 1)),
    "tokenizer.ggml.eos_token_id": u32(metadata.number("tokenizer.ggml.eos_token_id", 2)),
    "tokenizer.ggml.add_bos_token": flag(false),
  };
}

function tensorsOf(shape: SyntheticShape, type: QuantName): NewTensor[] {
  const { dim, ffnDim, vocab, tied } = shape;
  const q = shape.heads * shape.headDim;
  const kv = shape.kvHeads * shape.headDim;
  const layer = (index: number): NewTensor[] => {
    const name = (part: string): string => `blk.${index}.${part}.weight`;
    return [
      norm(name("attn_norm"), dim, 1),
      matrix(name("attn_q"), type, q, dim),
      matrix(name("attn_k"), type, kv, dim),
      matrix(name("attn_v"), type, kv, dim),
      matrix(name("attn_output"), type, dim, q),
      norm(name("ffn_norm"), dim, 1),
      matrix(name("ffn_gate"), type, ffnDim, dim),
      matrix(name("ffn_up"), type, ffnDim, dim),
      matrix(name("ffn_down"), type, dim, ffnDim),
    ];
  };
  return [
    matrix("token_embd.weight", tied ? "Q6_K" : type, vocab, dim),
    ...Array.from({ length: shape.layers }, (_, index) => layer(index)).flat(),
    norm("output_norm.weight", dim, 4), // spreads the logits as a trained head does: the best stands out
    ...(tied ? [] : [matrix("output.weight", "Q6_K", vocab, dim)]),
  ];
}

function norm(name: string, length: number, value: number): NewTensor {
  const bytes = (): Uint8Array => new Uint8Array(new Float32Array(length).fill(value).buffer);
  return { name, type: "F32", extents: [length], bytes };
}

/** Random weights of about the deviation 1 / sqrt(cols), which keeps activations as they are. */
function matrix(name: string, type: QuantName, rows: number, cols: number): NewTensor {
  const extents = [cols, rows];
  const bytes = (): Uint8Array => {
    const pattern = randomBlocks(type, 1 / Math.sqrt(cols));
    const out = new Uint8Array(tensorBytes(type, extents));
    // Every tensor begins elsewhere in the pattern.
    let from = (hash(name) % PATTERN_BLOCKS) * QUANTS[type].blockBytes;
    for (let at = 0; at < out.length;) {
      const piece = pattern.subarray(from, from + Math.min(pattern.length - from, out.length - at));
      out.set(piece, at);
      at += piece.length;
      from = 0;
    }
    return out;
  };
  return { name, type, extents, bytes };
}

/** A prime, so that the pattern never falls in step with the rows: equal rows would have equal logits. */
const PATTERN_BLOCKS = 262_147;

/** What makes random bytes into random weights of mean 0: others would add up over a row. */
interface Blocks {
  /** Where the scale of a block is. */
  readonly scale: number;
  /** How far the weights of a block spread at a scale of 1. */
  readonly spread: number;
  /** Sets right what must not be random in the block at `at`. */
  tame(bytes: Uint8Array, at: number): void;
}

const BLOCKS: Partial<Record<QuantName, Blocks>> = {
  Q4_0: {
    scale: 0,
    spread: 4.3, // -7 to 7
    tame: (bytes, at) => {
      for (let i = at + 2; i < at + 18; i++) bytes[i] = bytes[i]! | (bytes[i]! & 15 ? 0 : 8) | (bytes[i]! & 240 ? 0 : 128); // 0 is -8
    },
  },
  Q8_0: {
    scale: 0,
    spread: 74, // -127 to 127
    tame: (bytes, at) => {
      for (let i = at + 2; i < at + 34; i++) if (bytes[i] === 128) bytes[i] = 0;
    },
  },
  Q6_K: { scale: 208, spread: 18.5 * 64, tame: (bytes, at) => void bytes.fill(64, at + 192, at + 208) }, // 64: its small scales
};

function randomBlocks(type: QuantName, deviation: number): Uint8Array {
  const blocks = BLOCKS[type];
  if (!blocks) throw new Error(`No random blocks of ${type}; there are ${Object.keys(BLOCKS).join(", ")}.`);
  const { blockBytes } = QUANTS[type];
  const bytes = new Uint8Array(PATTERN_BLOCKS * blockBytes);
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13; // xorshift32
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  const view = new DataView(bytes.buffer);
  const scale = toHalf(deviation / blocks.spread);
  for (let at = 0; at < bytes.length; at += blockBytes) {
    blocks.tame(bytes, at);
    view.setUint16(at + blocks.scale, scale, true);
  }
  return bytes;
}

/** A small positive number as a half, subnormal where it must be. */
function toHalf(value: number): number {
  const exponent = Math.max(-14, Math.floor(Math.log2(value)));
  const mantissa = Math.round((value / 2 ** exponent) * 1024);
  return exponent === -14 && mantissa < 1024 ? mantissa : ((exponent + 14) << 10) + mantissa;
}

/** FNV-1a. */
function hash(name: string): number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 0x01000193);
  return state >>> 0;
}
