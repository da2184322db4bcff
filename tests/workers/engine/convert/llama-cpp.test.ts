// Converted files in llama.cpp itself: it opens them, and computes what it computes for its own file of the same weights.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Llama, type Token } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../../../workers/engine/backends.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";
import { utf8, type Bytes } from "../../../golden/publish/bytes.ts";
import { asHuggingFace, asMeta, CONFIG, PARAMS, stories } from "../../../golden/publish/llama.ts";
import { safetensors } from "../../../golden/publish/safetensors.ts";
import { torchZip } from "../../../golden/publish/torch.ts";
import { sentencePieceModel } from "../../../golden/publish/vocabulary.ts";
import type { Weights } from "../../../golden/publish/weights.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { memorySource } from "../../../golden/sources.ts";
import { nodeHost } from "../node-host.ts";

describe.skipIf(GOLDEN === null)("llama.cpp", async () => {
  const { gguf, vocabulary } = GOLDEN ? await stories() : { gguf: new Map(), vocabulary: { tokens: [], scores: [], types: [] } };
  const tokenizer = named("tokenizer.model", sentencePieceModel(vocabulary));
  const meta = [named("consolidated.00.pth", torchZip(asMeta(gguf))), named("params.json", json(PARAMS)), tokenizer];
  const folder = mkdtempSync(join(tmpdir(), "cria-llama-"));
  const prompt = GOLDEN
    ? (JSON.parse(readFileSync(join(GOLDEN, "golden.json"), "utf8")) as { stories260K: { prompt: Token[] } }).stories260K.prompt
    : [];
  let llama: Llama;
  beforeAll(async () => {
    llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error, maxThreads: 1 });
  });
  afterAll(async () => {
    await llama.dispose();
    rmSync(folder, { recursive: true });
  });

  it.each(["F32", "F16"] as const)("gives a converted %s the logits of its own file", async (target) => {
    const file = convertedFile(await openCheckpoint("stories", meta), { target, family: null });
    const own = await logprobs(join(GOLDEN!, `stories260K.${target.toLowerCase()}.gguf`));
    expect(await logprobs(await written(file))).toEqual(own);
  });

  it.each(["Q8_0", "Q4_0", "Q4_1", "Q5_1", "Q4_K", "Q6_K"] as const)(
    "reads %s, K quants in rows of 256 included, as we do",
    async (target) => {
      const files = [
        named("model.safetensors", safetensors(asHuggingFace(wide(), 64))),
        named("config.json", json(WIDE)),
        tokenizer,
      ];
      const file = convertedFile(await openCheckpoint("wide", files), { target, family: null });
      const theirs = await logprobs(await written(file));
      const ours = await ownLogprobs(file);
      // Both round activations to 8 bits, each its own way.
      const off = theirs.map((value, i) => Math.abs(value - ours[i]!));
      expect(Math.max(...off)).toBeLessThan(0.1);
    },
  );

  async function written(file: ByteSource): Promise<string> {
    const path = join(folder, file.name);
    writeFileSync(path, await file.read(0, file.sizeBytes));
    return path;
  }

  /** Logarithms of the probabilities after each token of the prompt. */
  async function logprobs(path: string): Promise<number[]> {
    const model = await llama.loadModel({ modelPath: path });
    const context = await model.createContext({ contextSize: 64, batchSize: 64, threads: 1, flashAttention: false });
    const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
    const results = await context
      .getSequence()
      .controlledEvaluate(prompt.map((token) => [token, { generateNext: { probabilities: true, options } }]));
    const rows = results.flatMap((result) => {
      const row: number[] = [];
      for (const [token, probability] of result?.next.probabilities ?? []) row[token] = Math.log(Math.max(probability, 1e-38));
      return row;
    });
    await model.dispose();
    expect(rows).toHaveLength(prompt.length * 512);
    return rows;
  }

  async function ownLogprobs(file: ByteSource): Promise<number[]> {
    const options = { backend: "wasm", contextLength: 64 } as const;
    const { backend } = await openBackend(nodeHost({ threads: 1 }), await readModelFile(file), options);
    const logits = (await backend.forward(Uint32Array.from(prompt), 0, "all")).slice();
    backend.dispose();
    return prompt.flatMap((_, position) => {
      const row = [...logits.subarray(position * 512, (position + 1) * 512)];
      const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
      return row.map((value) => value - total);
    });
  }
});

const WIDE = {
  ...CONFIG,
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};

/** A LLaMA of WIDE's shape, its weights by chance. */
function wide(): Map<string, Weights> {
  const dict = new Map<string, Weights>();
  let state = 1;
  const add = (name: string, rows: number, cols: number, around = 0): void => {
    const values = Float32Array.from({ length: rows * cols }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return around + (state / 2 ** 32 - 0.5) / 8;
    });
    dict.set(`${name}.weight`, { extents: rows > 1 ? [rows, cols] : [cols], values });
  };
  add("token_embd", 512, 256);
  for (const layer of [0, 1]) {
    for (const norm of ["attn_norm", "ffn_norm"]) add(`blk.${layer}.${norm}`, 1, 256, 1);
    add(`blk.${layer}.attn_q`, 256, 256);
    for (const part of ["attn_k", "attn_v"]) add(`blk.${layer}.${part}`, 128, 256);
    add(`blk.${layer}.attn_output`, 256, 256);
    for (const part of ["ffn_gate", "ffn_up"]) add(`blk.${layer}.${part}`, 512, 256);
    add(`blk.${layer}.ffn_down`, 256, 512);
  }
  add("output_norm", 1, 256, 1);
  add("output", 512, 256);
  return dict;
}

function named(name: string, bytes: Bytes): ByteSource {
  return memorySource(bytes, undefined, name);
}

function json(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}
