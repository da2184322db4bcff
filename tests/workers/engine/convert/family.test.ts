// A small mixture of experts and a small model with biases, in every form such models are published in: converted, each has the logits that
// transformers and llama.cpp compute.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import { type Target, typeFor } from "../../../../workers/engine/convert/types.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { type NewTensor, writeGguf } from "../../../golden/gguf-writer.ts";
import { metadataOf, packed } from "../../../golden/models.ts";
import { utf8, type Bytes } from "../../../golden/publish/bytes.ts";
import {
  BIASED,
  biased,
  hugging,
  huggingFused,
  MISTRAL,
  mistral,
  mistralFirst,
  mixture,
  MIXTRAL,
  TOKENIZER,
} from "../../../golden/publish/family.ts";
import { safetensors } from "../../../golden/publish/safetensors.ts";
import { torchZip } from "../../../golden/publish/torch.ts";
import type { StateDict } from "../../../golden/publish/weights.ts";
import { fileSource, memorySource } from "../../../golden/sources.ts";
import { distance } from "../../../numbers/distance.ts";
import { logitsAlong, open } from "../../../numbers/engines.ts";
import { llamaCpp } from "../../../numbers/truth.ts";
import { nodeHost } from "../node-host.ts";

const EXPECTED = JSON.parse(readFileSync(new URL("../../../golden/transformers/expected.json", import.meta.url), "utf8")) as {
  prompt: number[];
  mixture: number[][];
  biased: number[][];
};
const FOLDER = mkdtempSync(join(tmpdir(), "cria-family-"));
const TASK = { text: "Once upon a time.", positions: 16, promptTokens: 8, greedyTokens: 1 };
const SPM = named("tokenizer.model", TOKENIZER);
const EXPERTS_OF_LAYER = /^blk\.\d+\.ffn_(gate|up|down)\.\d+\.weight$/;

const FORMS: Record<string, () => readonly ByteSource[]> = {
  "Hugging Face's safetensors": () => [named("model.safetensors", safetensors(hugging(mixture()))), config(MIXTRAL), SPM],
  "Hugging Face's shards, a layer's experts in several": () => [...spread(hugging(mixture())), config(MIXTRAL), SPM],
  "a state dict of transformers 5": () => [named("pytorch_model.bin", torchZip(huggingFused(mixture()))), config(MIXTRAL), SPM],
  "Mistral's files": () => [named("consolidated.safetensors", safetensors(mistral(mixture()))), params(), SPM],
  "Mistral's first files": () => {
    const entries = [...mistralFirst(mixture())];
    const half = (i: number): StateDict => new Map(entries.filter((_, at) => at % 2 === i));
    return [...[0, 1].map((i) => named(`consolidated.0${i}.pt`, torchZip(half(i)))), params(), SPM];
  },
};

afterAll(() => rmSync(FOLDER, { recursive: true }));

describe("a mixture of experts", () => {
  it.each(Object.entries(FORMS))("has transformers' logits from %s", async (_, files) => {
    const ours = await converted(files(), "F32");
    expect(apart(await logits(ours, EXPECTED.prompt), EXPECTED.mixture.flat())).toBeLessThan(1e-4); // sums in another order, 5 decimals
  });

  it("is the same file in any type, whatever range of it is read", async () => {
    const file = await converted(FORMS["Mistral's first files"]!(), "Q8_0");
    const other = await converted(FORMS["Hugging Face's safetensors"]!(), "Q8_0");
    const whole = await file.read(0, file.sizeBytes);
    expect(Buffer.compare(whole, await other.read(0, other.sizeBytes))).toBe(0);
    for (let at = 0; at < file.sizeBytes; at += 9973) {
      expect(Buffer.compare(await file.read(at, 9973), whole.subarray(at, at + 9973))).toBe(0);
    }
  });

  it.each([
    ["F32", 1e-4], // sums in another order
    ["Q4_0", 0.05], // both round activations to 8 bits, each its own way
  ] as const)("converted to %s, is opened by llama.cpp and gives its logits", async (target, most) => {
    expect(await besideLlamaCpp(await converted(FORMS["Hugging Face's safetensors"]!(), target))).toBeLessThan(most);
  });

  it("keeps its router in floats, and of eight experts more bits of attention, as llama.cpp's quantizer does", async () => {
    const { tensors } = await readGguf(await converted(FORMS["Mistral's files"]!(), "Q4_0"));
    const types = ["ffn_gate_inp", "ffn_gate_exps", "attn_k"].map((part) => tensors.get(`blk.0.${part}.weight`)?.type);
    expect(types).toEqual(["F32", "Q4_0", "Q4_0"]);
    const typeOf = (part: string, target: Target, count: number): string => {
      const tensor = {
        name: `blk.9.${part}.weight`,
        type: "BF16",
        rows: 1024,
        cols: 4096,
        read: () => Promise.reject(),
      } as const;
      return typeFor(tensor, target, { layers: 32, experts: { count, used: 2 } }, false);
    };
    expect([typeOf("attn_k", "Q4_0", 8), typeOf("attn_v", "Q4_K", 8), typeOf("attn_v", "Q4_0", 4)]).toEqual([
      "Q8_0",
      "Q8_0",
      "Q4_0",
    ]);
    expect([typeOf("attn_output", "Q4_K", 8), typeOf("attn_output", "Q6_K", 8)]).toEqual(["Q5_K", "Q6_K"]);
    expect([typeOf("ffn_down_exps", "Q4_K", 8), typeOf("ffn_up_exps", "Q4_K", 8)]).toEqual(["Q6_K", "Q4_K"]); // layer 9 of 32
  });

  it("gives the same bits from an old file that keeps its experts apart, and is quantized again from one", async () => {
    const together = await converted(FORMS["Hugging Face's safetensors"]!(), "F32");
    const source = fileSource(await oldFile(together, mixture()));
    expect(await logits(source, EXPECTED.prompt)).toEqual(await logits(together, EXPECTED.prompt));
    const requantized = await converted([source], "Q8_0");
    const direct = await converted([memorySource(await together.read(0, together.sizeBytes))], "Q8_0");
    const tensors = async (file: ByteSource) => {
      const found = [...(await readGguf(file)).tensors.values()];
      return Promise.all(found.map(async ({ name, offset, sizeBytes }) => [name, await file.read(offset, sizeBytes)] as const));
    };
    expect(await tensors(requantized)).toEqual(await tensors(direct));
    source.close();
  });

  it("is refused with the expert that is missing, or of another form", async () => {
    const lacking = hugging(mixture());
    lacking.delete("model.layers.1.block_sparse_moe.experts.2.w3.weight");
    const files = [named("model.safetensors", safetensors(lacking)), config(MIXTRAL), SPM];
    await expect(openCheckpoint("mixture", files)).rejects.toThrow("expert 2 of blk.1.ffn_up_exps.weight is missing");
    const together = await converted(FORMS["Hugging Face's safetensors"]!(), "F32");
    const holed = new Map([...mixture()].filter(([name]) => name !== "blk.0.ffn_down.1.weight"));
    const old = fileSource(await oldFile(together, holed));
    await expect(readGguf(old)).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("expert 1") });
    old.close();
  });

  it("is refused where a token takes more experts than there are", async () => {
    const greedy = utf8(new TextDecoder().decode(MIXTRAL).replace('"num_experts_per_tok":2', '"num_experts_per_tok":5'));
    const files = [named("model.safetensors", safetensors(hugging(mixture()))), config(greedy), SPM];
    await expect(openCheckpoint("mixture", files)).rejects.toThrow("a token takes 5 of 4 experts");
  });
});

describe("a model with biases", () => {
  const files = (): ByteSource[] => [named("model.safetensors", safetensors(hugging(biased()))), config(BIASED), SPM];

  it("has transformers' logits, its q and k biases turned as their weights are", async () => {
    const ours = await converted(files(), "F32");
    expect(apart(await logits(ours, EXPECTED.prompt), EXPECTED.biased.flat())).toBeLessThan(1e-4);
  });

  it.each([
    ["F32", 1e-4],
    ["Q4_0", 0.05],
  ] as const)("converted to %s, is opened by llama.cpp and gives its logits", async (target, most) => {
    expect(await besideLlamaCpp(await converted(files(), target))).toBeLessThan(most);
  });
});

async function converted(files: readonly ByteSource[], target: Target): Promise<ByteSource> {
  return convertedFile(await openCheckpoint("small", files), { target, family: null });
}

/** How far WASM is from llama.cpp on the same file. */
async function besideLlamaCpp(file: ByteSource): Promise<number> {
  const path = join(FOLDER, `${file.sizeBytes}.gguf`);
  writeFileSync(path, await file.read(0, file.sizeBytes));
  const theirs = await llamaCpp(path, TASK, "F32");
  const values = await logits(file, theirs.ids);
  return distance(theirs, { vocab: theirs.vocab, values }).d;
}

async function logits(file: ByteSource, ids: readonly number[]): Promise<Float32Array> {
  const opened = await open(openCpu, nodeHost({ threads: 1 }), file);
  try {
    return (await logitsAlong(opened, ids)).values;
  } finally {
    opened.backend.dispose();
  }
}

/** The file as it was written before experts were put together: in the order of the checkpoint. */
async function oldFile(file: ByteSource, weights: StateDict): Promise<string> {
  const tensors = [...weights].map(([name, { extents, values }]): NewTensor => {
    return { name, type: "F32", extents: [...extents].reverse(), bytes: () => packed("F32", values) };
  });
  expect(tensors.filter(({ name }) => EXPERTS_OF_LAYER.test(name)).length).toBeGreaterThan(0);
  const path = join(FOLDER, `apart.${tensors.length}.gguf`);
  const copied = await metadataOf(file, []);
  writeGguf(path, { metadata: {}, copied, tensors });
  return path;
}

/** Two files and the index that lists them; tensors turn about. */
function spread(weights: StateDict): ByteSource[] {
  const entries = [...weights];
  const name = (i: number): string => `model-0000${i + 1}-of-00002.safetensors`;
  const map = Object.fromEntries(entries.map(([tensor], at) => [tensor, name(at % 2)]));
  const index = named("model.safetensors.index.json", utf8(JSON.stringify({ metadata: {}, weight_map: map })));
  const part = (i: number): ByteSource => named(name(i), safetensors(new Map(entries.filter((_, at) => at % 2 === i))));
  return [index, part(0), part(1)];
}

function apart(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let most = found.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < found.length; i++) most = Math.max(most, Math.abs(found[i]! - expected[i]!));
  return most;
}

function config(bytes: Bytes): ByteSource {
  return named("config.json", bytes);
}

function params(): ByteSource {
  return named("params.json", MISTRAL);
}

function named(name: string, bytes: Bytes): ByteSource {
  return memorySource(bytes, undefined, name);
}
