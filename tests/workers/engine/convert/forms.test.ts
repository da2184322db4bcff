// The same model as Meta, Hugging Face and EasyLM published theirs: converted, each has its weights to the last bit, and its logits.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import { openBackend } from "../../../../workers/engine/backends.ts";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";
import { utf8, type Bytes } from "../../../golden/publish/bytes.ts";
import { easyLmStream } from "../../../golden/publish/easylm.ts";
import { asEasyLm, asHuggingFace, asMeta, CONFIG, PARAMS, stories } from "../../../golden/publish/llama.ts";
import { safetensors } from "../../../golden/publish/safetensors.ts";
import { torchLegacy, torchZip } from "../../../golden/publish/torch.ts";
import { sentencePieceModel, tokenizerJson } from "../../../golden/publish/vocabulary.ts";
import { colsOf, rowsOf, type StateDict, type Weights } from "../../../golden/publish/weights.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { fileSource, memorySource } from "../../../golden/sources.ts";
import { nodeHost } from "../node-host.ts";

describe.skipIf(GOLDEN === null)("stories260K", async () => {
  const { gguf, vocabulary } = GOLDEN ? await stories() : { gguf: new Map(), vocabulary: { tokens: [], scores: [], types: [] } };
  const spm = named("tokenizer.model", sentencePieceModel(vocabulary));
  const config = named("config.json", json(CONFIG));
  const params = named("params.json", json(PARAMS));
  const own = GOLDEN ? await logits(fileSource(join(GOLDEN, "stories260K.f32.gguf"))) : null;
  const [meta, hugging] = [asMeta(gguf), asHuggingFace(gguf)];

  it.each<[string, () => readonly ByteSource[]]>([
    ["Meta's golden file", () => [...golden("meta", ["consolidated.00.pth", "params.json"]), spm]],
    ["Hugging Face's golden file", () => [...golden("hf", ["model.safetensors", "config.json"]), spm]],
    ["Meta's files, 2 shards", () => [...metaShards(meta, 2), params, spm]],
    ["Meta's files, 4 shards, embeddings cut along the vocabulary", () => [...metaShards(meta, 4, "rows"), params, spm]],
    ["an old Hugging Face file", () => [named("pytorch_model.bin", torchLegacy(hugging)), config, spm]],
    ["a Hugging Face file of 64-bit sizes", () => [named("pytorch_model.bin", torchZip(hugging, { zip64: true })), config, spm]],
    ["Hugging Face's shards with their index", () => [...shards(hugging, torchZip, "pytorch_model", "bin"), config, spm]],
    ["safetensors in shards, tokenizer.json", () => [...shards(hugging, safetensors, "model", "safetensors"), config, bpe()]],
    ["EasyLM's stream", () => [named("koala_7b", easyLmStream(asEasyLm(gguf), "F32")), params, spm]],
  ])("has the weights and the logits of its GGUF file from %s", async (_, files) => {
    const file = convertedFile(await openCheckpoint("stories", files()), { target: "F32", family: null });
    const header = await readGguf(file);
    for (const [name, { values }] of gguf) {
      const tensor = header.tensors.get(name) ?? header.tensors.get("token_embd.weight")!; // a tied head
      const bytes = await file.read(tensor.offset, tensor.sizeBytes);
      expect(Buffer.compare(bytes, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))).toBe(0);
    }
    expect(await logits(file)).toEqual(own);
  });

  it.each(["F16", "BF16"] as const)("keeps every bit of a file in %s", async (type) => {
    const files = [named("model.safetensors", safetensors(hugging, type)), config, spm];
    const { tensors } = await openCheckpoint("stories", files);
    for (const [name, { values }] of gguf) {
      const tensor = tensors.get(name)!;
      const read = await tensor.read(0, tensor.rows);
      const most = type === "F16" ? 2 ** -11 : 2 ** -8; // half a unit in the last place, and subnormal halves
      expect(read.every((value, i) => Math.abs(value - values[i]!) <= Math.abs(values[i]!) * most + 2 ** -25)).toBe(true);
    }
  });

  it.each(["q8_0", "q4_0"] as const)("has the bytes of the golden file in %s, tensor by tensor", async (type) => {
    const target = type === "q8_0" ? "Q8_0" : "Q4_0";
    const checkpoint = await openCheckpoint("stories", [...golden("meta", ["consolidated.00.pth", "params.json"]), spm]);
    const file = convertedFile(checkpoint, { target, family: null });
    const theirs = fileSource(join(GOLDEN!, `stories260K.${type}.gguf`));
    const [ours, wanted] = [await readGguf(file), await readGguf(theirs)];
    let compared = 0;
    for (const tensor of wanted.tensors.values()) {
      const own = ours.tensors.get(tensor.name)!;
      if (own.type !== tensor.type) continue; // the golden head is Q4_0, ours as good as llama.cpp makes it
      expect(await file.read(own.offset, own.sizeBytes)).toEqual(await theirs.read(tensor.offset, tensor.sizeBytes));
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(46);
  });

  it("cuts text as its own file does, from either form of the vocabulary", async () => {
    const text = "Once upon a time, Lily's 3 cats — ÄÖÜ 🦙 — ran   home.\n";
    const own = (await readModelFile(fileSource(join(GOLDEN!, "stories260K.f32.gguf")))).tokenizer.encode(text);
    for (const tokenizer of [spm, bpe()]) {
      const files = [named("model.safetensors", safetensors(hugging)), config, tokenizer];
      const file = convertedFile(await openCheckpoint("stories", files), { target: "F16", family: null });
      expect((await readModelFile(file)).tokenizer.encode(text)).toEqual(own);
    }
  });

  it("is the same file whatever range of it is read", async () => {
    const checkpoint = await openCheckpoint("stories", [...golden("hf", ["model.safetensors", "config.json"]), spm]);
    const file = convertedFile(checkpoint, { target: "Q4_1", family: null });
    const whole = await file.read(0, file.sizeBytes);
    for (const size of [4099, 65_537]) {
      for (let at = 0; at < file.sizeBytes; at += size) {
        expect(Buffer.compare(await file.read(at, size), whole.subarray(at, at + size))).toBe(0);
      }
    }
  });

  function bpe(): ByteSource {
    return named("tokenizer.json", tokenizerJson(vocabulary));
  }
});

/** Logits at every position of the golden prompt, on WASM. */
async function logits(file: ByteSource): Promise<Float32Array> {
  const { prompt } = (JSON.parse(readFileSync(join(GOLDEN!, "golden.json"), "utf8")) as { stories260K: { prompt: number[] } })
    .stories260K;
  const options = { backend: "wasm", contextLength: 64 } as const;
  const { backend } = await openBackend(nodeHost({ threads: 1 }), await readModelFile(file), options);
  try {
    return (await backend.forward(Uint32Array.from(prompt), 0, "all")).slice();
  } finally {
    backend.dispose();
  }
}

function golden(form: string, files: readonly string[]): ByteSource[] {
  return files.map((file) => fileSource(join(GOLDEN!, `stories260K-${form}`, file)));
}

/** consolidated.NN.pth: rows or columns of each matrix, as Meta cut them. */
function metaShards(meta: StateDict, count: number, embedding: "rows" | "cols" = "cols"): ByteSource[] {
  return Array.from({ length: count }, (_, shard) => {
    const share = new Map<string, Weights>();
    for (const [name, weights] of meta) {
      const [rows = 1, cols] = weights.extents;
      const byCols = /(wo|w2)\.weight$/.test(name) || (name.startsWith("tok_embeddings") && embedding === "cols");
      if (cols === undefined) share.set(name, weights);
      else if (byCols) share.set(name, colsOf(weights, (shard * cols) / count, cols / count));
      else share.set(name, rowsOf(weights, (shard * rows) / count, rows / count));
    }
    return named(`consolidated.0${shard}.pth`, torchZip(share.set("rope.freqs", { extents: [4], values: new Float32Array(4) })));
  });
}

/** Three files and the index that lists them. */
function shards(weights: StateDict, write: (part: StateDict) => Bytes, stem: string, suffix: string): ByteSource[] {
  const entries = [...weights];
  const name = (i: number): string => `${stem}-0000${i + 1}-of-00003.${suffix}`;
  const parts = [0, 1, 2].map((i) => entries.filter((_, at) => at % 3 === i));
  const map = Object.fromEntries(parts.flatMap((part, i) => part.map(([tensor]) => [tensor, name(i)])));
  const index = named(`${stem}.${suffix}.index.json`, json({ metadata: {}, weight_map: map }));
  return [index, ...parts.map((part, i) => named(name(i), write(new Map(part))))];
}

function named(name: string, bytes: Bytes): ByteSource {
  return memorySource(bytes, undefined, name);
}

function json(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}
