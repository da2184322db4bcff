// Vectors of texts: by hand with numbers one can check, and of a real model against llama.cpp.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MeanPool } from "../../../workers/engine/embed.ts";
import { type Engine, openEngine } from "../../../workers/engine/engine.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { GOLDEN } from "../../golden/models.ts";
import { fileSource } from "../../golden/sources.ts";
import { nodeHost } from "./node-host.ts";

describe("the mean of states", () => {
  it("norms each row by its root mean square, weighs the columns, and has length 1", () => {
    const pool = new MeanPool(Float32Array.of(1, 2), 0);
    pool.take(Float32Array.of(3, 4, 5, 0)); // rms 5/√2 and 5/√2: rows become √2·(3/5, 4/5) and √2·(1, 0)
    // the sum is in the direction of (1.6 · 1, 0.8 · 2)
    expect([...pool.vector()]).toEqual([expect.closeTo(Math.SQRT1_2, 6), expect.closeTo(Math.SQRT1_2, 6)]);
  });

  it("is the same whether states come at once or in batches, and of nothing is nothing", () => {
    const [whole, parts] = [1, 2].map(() => new MeanPool(Float32Array.of(1, 1), 1e-5));
    whole!.take(Float32Array.of(1, 2, -3, 1));
    parts!.take(Float32Array.of(1, 2));
    parts!.take(Float32Array.of(-3, 1));
    expect(parts!.vector()).toEqual(whole!.vector());
    expect([...new MeanPool(Float32Array.of(1, 1), 1e-5).vector()]).toEqual([0, 0]);
  });
});

const TEXTS = ["Once upon a time, there was a little girl named Lily.", "The dog ran.", "The cat ran."];

describe.skipIf(GOLDEN === null)("stories260K's embeddings", () => {
  let engine: Engine;
  const path = GOLDEN ? join(GOLDEN, "stories260K.f32.gguf") : "";
  const embed = async (input: string | readonly string[]): Promise<number[][]> => {
    const { data } = await engine.embed({ input })();
    return data.map(({ embedding }) => (typeof embedding === "string" ? [] : [...embedding]));
  };

  beforeAll(async () => {
    const options = { id: "f32", name: null, backend: "wasm", contextLength: null, defaults: null } as const;
    engine = await openEngine(nodeHost(), await readModelFile(fileSource(path)), options);
  });
  afterAll(() => engine.close());

  it("are llama.cpp's", async () => {
    const texts = TEXTS.slice(0, 2);
    const ours = await embed(texts);
    const theirs = await llamaCppMeans(path, texts);
    // Both compute in 32-bit floats, in another order.
    for (const [index, vector] of ours.entries()) expect(cosine(vector, theirs[index]!)).toBeGreaterThan(0.99999);
    expect(ours.map((vector) => Math.hypot(...vector))).toEqual(ours.map(() => expect.closeTo(1, 5)));
  });

  it("are nearer to one another where texts are alike", async () => {
    const [story, dog, cat] = await embed(TEXTS);
    expect(cosine(dog!, cat!)).toBeGreaterThan(cosine(dog!, story!));
  });

  it("come as base64 too, and count their tokens", async () => {
    const [plain] = await embed(TEXTS[1]!);
    const { data, usage } = await engine.embed({ input: TEXTS[1]!, encoding_format: "base64" })();
    const bytes = Buffer.from(String(data[0]!.embedding), "base64");
    const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect([...floats]).toEqual(plain);
    expect(usage.prompt_tokens).toBe(engine.tokenize(TEXTS[1]!, { bos: true }).length);
  });

  it("leave the conversation's next answer as it was", async () => {
    const ask = async (): Promise<string> => {
      let said = "";
      for await (const { text } of engine.complete({ prompt: "Once upon a time", max_tokens: 12, temperature: 0 })())
        said += text;
      return said;
    };
    const before = await ask();
    await embed(TEXTS);
    expect(await ask()).toBe(before);
  });

  it.each([
    [{ input: "" }, "input[0] is empty"],
    [{ input: [] }, "input must be"],
    [{ input: ["a"], dimensions: 8 }, "dimensions can't be chosen"],
    [{ input: [512] }, "Token 0 is 512"],
    [{ input: "a", encoding_format: "hex" }, "encoding_format"],
    [{ input: "a ".repeat(600) }, "tokens; the context has room for 512"],
  ])("refuse %o", (request, words) => {
    expect(() => engine.embed(request as never)).toThrow(words);
  });
});

/**
 * Means of the normed states, by llama.cpp: of a text's beginnings node-llama-cpp gives the state of the last token, and what comes later
 * changes nothing before it.
 */
async function llamaCppMeans(modelPath: string, texts: readonly string[]): Promise<number[][]> {
  const { getLlama } = await import("node-llama-cpp");
  const llama = await getLlama({ gpu: false, progressLogs: false });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createEmbeddingContext({ contextSize: 512, threads: 1 });
  const means: number[][] = [];
  for (const text of texts) {
    const start = model.tokens.shouldPrependBosToken && model.tokens.bos !== null ? [model.tokens.bos] : [];
    const tokens = [...start, ...model.tokenize(text)];
    const states: number[][] = [];
    for (let end = 1; end <= tokens.length; end++) states.push([...(await context.getEmbeddingFor(tokens.slice(0, end))).vector]);
    means.push(states[0]!.map((_, i) => states.reduce((sum, state) => sum + state[i]!, 0) / states.length));
  }
  await llama.dispose();
  return means;
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}
