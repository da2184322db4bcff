// Vocabularies to test tokenizers with, as metadata of a model file. Those of others come from packages or a model that is at hand.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Metadata } from "../../../workers/engine/base/metadata.ts";
import { readGguf } from "../../../workers/engine/gguf/read.ts";
import { type Entry, f32s, flag, ggufBytes, i32s, text, texts, u32 } from "../gguf-writer.ts";
import { GOLDEN, SMOLLM2 } from "../models.ts";
import { fileSource, memorySource } from "../sources.ts";

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

/** Name of a vocabulary, and of its golden file. */
export type VocabularyName = "smollm2" | "stories260k" | "llama2" | "llama3";

/** Path of a model file with this vocabulary, or entries to write one; null where it is not at hand. */
export async function vocabulary(name: VocabularyName): Promise<string | Record<string, Entry> | null> {
  switch (name) {
    case "smollm2":
      return SMOLLM2;
    case "stories260k":
      return GOLDEN && existsSync(join(GOLDEN, "stories260K.f32.gguf")) ? join(GOLDEN, "stories260K.f32.gguf") : null;
    case "llama2":
      return llama2();
    case "llama3":
      return llama3("llama-bpe");
  }
}

/** The metadata of a vocabulary, as the engine reads it. */
export async function metadataOf(vocabulary: string | Record<string, Entry>): Promise<Metadata> {
  const source = typeof vocabulary === "string" ? fileSource(vocabulary) : memorySource(ggufBytes({ metadata: vocabulary, tensors: [] }));
  return (await readGguf(source)).metadata;
}

/** LLaMA 1 and 2: 32,000 SentencePiece tokens. Scores are the order of the pieces, runs of spaces come last, as in Meta's file. */
async function llama2(): Promise<Record<string, Entry>> {
  const { default: tokenizer } = await import("llama-tokenizer-js");
  const tokens = tokenizer.vocabById;
  const FIRST_PIECE = 259; // after <unk>, <s>, </s> and 256 bytes
  const score = (token: string, id: number): number => (id < FIRST_PIECE ? 0 : /^▁+$/.test(token) ? -1e9 : FIRST_PIECE - id);
  const type = (id: number): number => (id === 0 ? UNKNOWN : id < 3 ? CONTROL : id < FIRST_PIECE ? BYTE : NORMAL);
  return {
    ...header("llama2"),
    "tokenizer.ggml.model": text("llama"),
    "tokenizer.ggml.tokens": texts(tokens),
    "tokenizer.ggml.scores": f32s(tokens.map(score)),
    "tokenizer.ggml.token_type": i32s(tokens.map((_, id) => type(id))),
    "tokenizer.ggml.bos_token_id": u32(1),
    "tokenizer.ggml.eos_token_id": u32(2),
    "tokenizer.ggml.unknown_token_id": u32(0),
    "tokenizer.ggml.add_bos_token": flag(true),
  };
}

/** Llama 3: 128,256 byte-level tokens and 280,147 merges, cut into words as tokenizer.ggml.pre = `pre` has it. */
export async function llama3(pre: string): Promise<Record<string, Entry>> {
  const { default: tokenizer } = await import("llama3-tokenizer-js");
  const tokens = tokenizer.vocabById;
  const FIRST_SPECIAL = 128_000;
  return {
    ...header("llama3"),
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.pre": text(pre),
    "tokenizer.ggml.tokens": texts(tokens),
    "tokenizer.ggml.merges": texts([...tokenizer.merges.keys()]),
    "tokenizer.ggml.token_type": i32s(tokens.map((_, id) => (id < FIRST_SPECIAL ? NORMAL : CONTROL))),
    "tokenizer.ggml.bos_token_id": u32(128_000),
    "tokenizer.ggml.eos_token_id": u32(128_009),
  };
}

function header(name: string): Record<string, Entry> {
  return { "general.architecture": text("llama"), "general.name": text(name) };
}
