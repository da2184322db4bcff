// Damaged files of every format: each opens, or ends in an EngineError; nothing hangs, and nothing grows past its file.
// A seeded sample here; a thousand of each with CRIA_LONG=1.
import { describe, expect, it } from "vitest";
import { EngineError } from "../../../../workers/engine/base/errors.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import { ggufBytes, f32, i32s, text, texts, u32, f32s } from "../../../golden/gguf-writer.ts";
import { utf8, type Bytes } from "../../../golden/publish/bytes.ts";
import { easyLmStream } from "../../../golden/publish/easylm.ts";
import { asEasyLm, asHuggingFace, asMeta } from "../../../golden/publish/llama.ts";
import { safetensors } from "../../../golden/publish/safetensors.ts";
import { torchLegacy, torchZip } from "../../../golden/publish/torch.ts";
import { sentencePieceModel, tokenizerJson } from "../../../golden/publish/vocabulary.ts";
import type { Weights } from "../../../golden/publish/weights.ts";
import { mutated } from "../../../golden/mutated.ts";
import { memorySource } from "../../../golden/sources.ts";

const COUNT = process.env["CRIA_LONG"] ? 1000 : 40;
const [DIM, FFN, VOCAB] = [16, 24, 300];

const weights = small();
const vocabulary = {
  tokens: Array.from({ length: VOCAB }, (_, id) => tokenOf(id)),
  scores: weights.scores,
  types: weights.types,
};
const config = json({
  model_type: "llama",
  hidden_size: DIM,
  intermediate_size: FFN,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  rope_scaling: { type: "linear", factor: 2 },
});
const params = json({ dim: DIM, n_layers: 1, n_heads: 2, norm_eps: 1e-5 });
const tokenizer = sentencePieceModel(vocabulary);
const hugging = asHuggingFace(weights.gguf);
const meta = asMeta(weights.gguf);
const names = Object.fromEntries([...hugging.keys()].map((name) => [name, "model.safetensors"]));
const index = json({ weight_map: names });

/** Files of a model, the first of which is damaged. */
const FORMS: Record<string, Readonly<Record<string, Bytes>>> = {
  "a PyTorch archive": { "consolidated.00.pth": torchZip(meta), "params.json": params, "tokenizer.model": tokenizer },
  "a PyTorch archive of 64-bit sizes": {
    "pytorch_model.bin": torchZip(hugging, { zip64: true, type: "F16" }),
    "config.json": config,
    "tokenizer.model": tokenizer,
  },
  "an old PyTorch file": {
    "pytorch_model.bin": torchLegacy(hugging, { type: "BF16" }),
    "config.json": config,
    "tokenizer.model": tokenizer,
  },
  safetensors: { "model.safetensors": safetensors(hugging), "config.json": config, "tokenizer.model": tokenizer },
  "EasyLM's stream": { koala: easyLmStream(asEasyLm(weights.gguf)), "params.json": params, "tokenizer.model": tokenizer },
  "tokenizer.model": { "tokenizer.model": tokenizer, "model.safetensors": safetensors(hugging), "config.json": config },
  "tokenizer.json": {
    "tokenizer.json": tokenizerJson(vocabulary),
    "model.safetensors": safetensors(hugging),
    "config.json": config,
  },
  "config.json": { "config.json": config, "model.safetensors": safetensors(hugging), "tokenizer.model": tokenizer },
  "params.json": { "params.json": params, "consolidated.00.pth": torchZip(meta), "tokenizer.model": tokenizer },
  "an index": {
    "model.safetensors.index.json": index,
    "model.safetensors": safetensors(hugging),
    "config.json": config,
    "tokenizer.model": tokenizer,
  },
  "a GGUF file": { "model.gguf": gguf() },
};

describe.each(Object.entries(FORMS))("%s", (_, files) => {
  it("opens as it is", async () => {
    await readAll(sourcesOf(files));
  });

  it(`opens or is refused with a reason, damaged in ${COUNT} ways`, async () => {
    const [name, bytes] = Object.entries(files)[0]!;
    let refused = 0;
    for (let seed = 1; seed <= COUNT; seed++) {
      const sources = sourcesOf({ ...files, [name]: mutated(bytes, seed) });
      try {
        await readAll(sources);
      } catch (error) {
        const { code, message } = EngineError.record(error);
        if (!(error instanceof EngineError) || code === "internal") throw new Error(`Seed ${seed}: ${message}`, { cause: error });
        expect(message.length).toBeGreaterThan(20);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});

/** Opens, lays the conversion out, and reads every tensor. No read may be longer than its file, no tensor larger than all files. */
async function readAll(sources: readonly ByteSource[]): Promise<void> {
  const bounded = sources.map((source) => ({
    ...source,
    read: async (offset: number, length: number) => {
      expect(length).toBeLessThanOrEqual(source.sizeBytes);
      return source.read(offset, length);
    },
  }));
  const total = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const checkpoint = await openCheckpoint("model", bounded);
  convertedFile(checkpoint, { target: "Q8_0", family: null });
  for (const { rows, cols, read } of checkpoint.tensors.values()) {
    expect(rows * cols * 2).toBeLessThanOrEqual(total);
    await read(0, rows);
  }
}

function sourcesOf(files: Readonly<Record<string, Bytes>>): ByteSource[] {
  return Object.entries(files).map(([name, bytes]) => memorySource(bytes, undefined, name));
}

function tokenOf(id: number): string {
  if (id < 3) return ["<unk>", "<s>", "</s>"][id]!;
  return id < 259 ? `<0x${(id - 3).toString(16).toUpperCase().padStart(2, "0")}>` : String.fromCharCode(id - 259 + 0x61);
}

function small(): { gguf: Map<string, Weights>; scores: number[]; types: number[] } {
  const gguf = new Map<string, Weights>();
  const add = (name: string, ...extents: number[]): void => {
    const values = Float32Array.from({ length: extents.reduce((a, b) => a * b) }, (_, i) => ((i * 37) % 101) / 101 - 0.5);
    gguf.set(`${name}.weight`, { extents, values });
  };
  add("token_embd", VOCAB, DIM);
  for (const norm of ["attn_norm", "ffn_norm"]) add(`blk.0.${norm}`, DIM);
  for (const part of ["attn_q", "attn_k", "attn_v", "attn_output"]) add(`blk.0.${part}`, DIM, DIM);
  for (const part of ["ffn_gate", "ffn_up"]) add(`blk.0.${part}`, FFN, DIM);
  add("blk.0.ffn_down", DIM, FFN);
  add("output_norm", DIM);
  add("output", VOCAB, DIM);
  const ids = Array.from({ length: VOCAB }, (_, id) => id);
  return { gguf, scores: ids.map((id) => -id), types: ids.map((id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)) };
}

function gguf(): Bytes {
  return ggufBytes({
    metadata: {
      "general.architecture": text("llama"),
      "llama.block_count": u32(1),
      "llama.context_length": u32(64),
      "llama.embedding_length": u32(DIM),
      "llama.feed_forward_length": u32(FFN),
      "llama.attention.head_count": u32(2),
      "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
      "tokenizer.ggml.model": text("llama"),
      "tokenizer.ggml.tokens": texts(vocabulary.tokens),
      "tokenizer.ggml.scores": f32s(vocabulary.scores),
      "tokenizer.ggml.token_type": i32s(vocabulary.types),
    },
    tensors: [...weights.gguf].map(([name, { extents, values }]) => ({
      name,
      type: "F32",
      extents: [...extents].reverse(),
      bytes: () => new Uint8Array(values.buffer),
    })),
  });
}

function json(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}
