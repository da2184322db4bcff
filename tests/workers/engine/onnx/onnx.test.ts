// ONNX models behind the same session: the exported graph gives the logits of our own engine on the same weights, in every form of export.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as runtime from "onnxruntime-web";
import { beforeAll, describe, expect, it } from "vitest";
import { fileSource } from "../../../../web/cli/file-source.ts";
import { exportOnnx, type ExportedFiles } from "../../../../web/cli/onnx/export.ts";
import { wholeCompletion } from "../../../../workers/engine/answers.ts";
import type { Host } from "../../../../workers/engine/base/host.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { logSumExp } from "../../../../workers/engine/decode/score.ts";
import { openEngine, type Engine } from "../../../../workers/engine/engine.ts";
import { readLoadable } from "../../../../workers/engine/loadable.ts";
import { chooseGraph, onnxFolder } from "../../../../workers/engine/onnx/folder.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { memorySource } from "../../../golden/sources.ts";
import { nodeHost } from "../node-host.ts";
import { smallModel } from "./small-model.ts";

const BUILT_IN = join(import.meta.dirname, "../../../../public/builtin/cria-builtin.gguf");

/** Of the kind that stories260K and the built-in model were trained on. */
const TEXT = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park with her big red ball.";
/** Our own engine keeps keys and values as half floats; a graph has floats throughout. */
const HALF_CACHE = 5e-3;

const host = (): Host => ({ ...nodeHost({ threads: 1 }), onnxRuntime: () => Promise.resolve(runtime) });

beforeAll(() => {
  runtime.env.wasm.numThreads = 1;
  runtime.env.logLevel = "error";
});

function sourcesOf(files: ExportedFiles): Map<string, ByteSource> {
  return new Map([...files].map(([path, bytes]) => [path, memorySource(bytes, undefined, path.split("/").at(-1)!)]));
}

async function open(source: ByteSource): Promise<Engine> {
  const file = await readLoadable(source);
  return openEngine(host(), file, { id: "test", name: null, backend: "wasm", contextLength: null, defaults: null });
}

/** Logarithms of likelihoods along a text: what logits come to. */
async function along(engine: Engine, ids: readonly number[]): Promise<readonly number[]> {
  const { scores } = await engine.score({ context: ids.slice(0, 1), continuations: [ids.slice(1)], distributions: true })();
  return scores[0]!.logprobs;
}

const FORMS = [
  ["with past", { past: true, half: false, external: false }],
  ["without past", { past: false, half: false, external: false }],
  ["with its weights beside it", { past: true, half: false, external: true }],
] as const;

/** The models that are there: a made one everywhere, trained ones where they are. */
const MODELS: Record<string, () => ByteSource> = {
  "a small model": () => memorySource(smallModel(), undefined, "small.gguf"),
  ...(GOLDEN && { stories260K: () => fileSource(join(GOLDEN!, "stories260K.f32.gguf")) }),
};

describe.each(Object.entries(MODELS))("%s as ONNX", (_name, source) => {
  it.each(FORMS)("%s gives our engine's logits", async (_form, options) => {
    const [ours, theirs] = [await open(source()), await open(onnxFolder(sourcesOf(await exportOnnx(source(), options))))];
    const ids = ours.tokenize(TEXT, { bos: true });
    const [right, found] = [await along(ours, ids), await along(theirs, ids)];
    const worst = Math.max(...right.map((logprob, i) => Math.abs(found[i]! - logprob)));
    expect(worst).toBeLessThan(HALF_CACHE);
    expect(theirs.info).toMatchObject({ backend: "wasm", tier: "onnxruntime", shape: ours.info.shape });
    await Promise.all([ours.close(), theirs.close()]);
  });

  it("reads text as the GGUF file does, and goes on from it word for word", async () => {
    const files = sourcesOf(await exportOnnx(source(), FORMS[0][1]));
    const [ours, theirs] = [await open(source()), await open(onnxFolder(files))];
    for (const text of ["Once upon a time", " two  spaces", "naïve 12 🦙\n\ttab", ""]) {
      expect(theirs.tokenize(text, { bos: true })).toEqual(ours.tokenize(text, { bos: true }));
    }
    const request = { prompt: "Once upon a time", max_tokens: 30, temperature: 0 };
    const say = async (engine: Engine): Promise<string> => {
      const author = { model: "m", bytesOf: (id: number) => engine.tokenizer.piece(id) };
      return (await wholeCompletion(author, engine.complete(request)())).choices[0].text;
    };
    expect(await say(theirs)).toBe(await say(ours));
    // Again, from the cache; then from the middle of it.
    expect(await say(theirs)).toBe(await say(ours));
    const { scores } = await theirs.score({ context: "Once upon", continuations: [" a time", " the"] })();
    const right = (await ours.score({ context: "Once upon", continuations: [" a time", " the"] })()).scores;
    expect(scores.map(({ ids }) => ids)).toEqual(right.map(({ ids }) => ids));
    for (const [i, { logprobs }] of scores.entries())
      for (const [j, logprob] of logprobs.entries()) expect(Math.abs(logprob - right[i]!.logprobs[j]!)).toBeLessThan(HALF_CACHE);
    await Promise.all([ours.close(), theirs.close()]);
  });

  it("as half floats is off by their rounding alone", async () => {
    const [ours, theirs] = [
      await open(source()),
      await open(onnxFolder(sourcesOf(await exportOnnx(source(), { past: true, half: true, external: false })))),
    ];
    const ids = ours.tokenize(TEXT, { bos: true });
    const [right, found] = [await along(ours, ids), await along(theirs, ids)];
    const worst = Math.max(...right.map((logprob, i) => Math.abs(logprob - found[i]!)));
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(0.05);
    await Promise.all([ours.close(), theirs.close()]);
  });
});

describe.skipIf(GOLDEN === null)("stories260K as ONNX, beside the reference", () => {
  it("has its logits, but for the order of sums", async () => {
    const source = fileSource(join(GOLDEN!, "stories260K.f32.gguf"));
    const engine = await open(onnxFolder(sourcesOf(await exportOnnx(source, FORMS[0][1]))));
    const { prompt } = JSON.parse(readFileSync(join(GOLDEN!, "golden.json"), "utf8")).stories260K as { prompt: number[] };
    const bytes = readFileSync(join(GOLDEN!, "stories260K.base.logits.f32.bin"));
    const logits = new Float32Array(Uint8Array.from(bytes).buffer);
    for (const [i, logprob] of (await along(engine, prompt)).entries()) {
      const row = logits.subarray(i * 512, (i + 1) * 512);
      expect(logprob).toBeCloseTo(row[prompt[i + 1]!]! - logSumExp(row), 4);
    }
    await engine.close();
  });
});

describe.skipIf(!existsSync(BUILT_IN))("the built-in model as ONNX", () => {
  it("gives our engine's logits but for the rounding of its activations", { timeout: 120_000 }, async () => {
    const bytes = new Uint8Array(readFileSync(BUILT_IN));
    const source = memorySource(bytes, undefined, "builtin.gguf");
    const [ours, theirs] = [await open(source), await open(onnxFolder(sourcesOf(await exportOnnx(source, FORMS[0][1]))))];
    const ids = ours.tokenize(TEXT, { bos: true });
    const [right, found] = [await along(ours, ids), await along(theirs, ids)];
    // Ours rounds activations to 8 bits beside quantized weights; onnxruntime has the same weights as floats.
    const mean = right.reduce((sum, logprob, i) => sum + Math.abs(logprob - found[i]!), 0) / right.length;
    expect(mean).toBeLessThan(0.1);
    await Promise.all([ours.close(), theirs.close()]);
  });
});

describe("the files of an ONNX model", () => {
  const HUB = [
    "config.json",
    "tokenizer.json",
    "onnx/model.onnx",
    "onnx/model.onnx_data",
    "onnx/model_q4.onnx",
    "onnx/model_q4f16.onnx",
  ];

  it("are the graph that runs everywhere, what it keeps beside it, and what tells of it", () => {
    expect(chooseGraph(HUB, null)).toEqual({
      graph: "onnx/model_q4.onnx",
      weights: [],
      companions: ["config.json", "tokenizer.json"],
    });
    expect(chooseGraph(HUB, "onnx/model.onnx")).toMatchObject({ graph: "onnx/model.onnx", weights: ["onnx/model.onnx_data"] });
    expect(chooseGraph(HUB, "Q4F16")).toMatchObject({ graph: "onnx/model_q4f16.onnx" });
    expect(chooseGraph(["model.onnx", "weights.bin", "config.json"], null)).toMatchObject({ weights: ["weights.bin"] });
    expect(chooseGraph(["model.gguf"], null)).toBeNull();
  });

  it("that are missing are named", async () => {
    const files = sourcesOf(await exportOnnx(memorySource(smallModel()), FORMS[0][1]));
    files.delete("config.json");
    await expect(readLoadable(onnxFolder(files))).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringContaining("config.json") as string,
    });
  });

  it("of another kind of model, and graphs that are none, are refused", async () => {
    const files = sourcesOf(await exportOnnx(memorySource(smallModel()), FORMS[0][1]));
    files.set("config.json", memorySource(new TextEncoder().encode('{"model_type": "whisper"}'), undefined, "config.json"));
    await expect(readLoadable(onnxFolder(files))).rejects.toMatchObject({ code: "unsupported_architecture" });
    const broken = sourcesOf(await exportOnnx(memorySource(smallModel()), FORMS[0][1]));
    broken.set("onnx/model.onnx", memorySource(new Uint8Array(1000), undefined, "model.onnx"));
    await expect(open(onnxFolder(broken))).rejects.toMatchObject({ code: "bad_file" });
  });
});
