// Merged models in llama.cpp itself: it opens the exported file, and computes what the reference computed with the adapter.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Llama, type Token } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Target } from "../../../../workers/engine/convert/types.ts";
import { distance } from "../../../numbers/distance.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { golden, goldenLogits, goldenPrompt } from "./golden.ts";
import { mergedModel } from "./merged.ts";

describe.skipIf(GOLDEN === null)("llama.cpp", () => {
  const folder = mkdtempSync(join(tmpdir(), "cria-merged-"));
  let llama: Llama;
  beforeAll(async () => {
    llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error, maxThreads: 1 });
  });
  afterAll(async () => {
    await llama.dispose();
    rmSync(folder, { recursive: true });
  });

  // Its keys and values are halves, which stories260K feels; 8-bit weights cost what they cost.
  it.each<[string, string, Target, number]>([
    ["stories260K.lora.f32.gguf", "lora", "F32", 0.003],
    ["chat_bias_scale_norm.pth", "adapterv2", "F32", 0.003],
    ["stories260K.lora.f32.gguf", "lora", "Q8_0", 0.03],
  ])("gives the golden logits for %s (%s), merged as %s", async (file, wanted, target, most) => {
    const merged = await mergedModel(golden(file), target);
    const path = join(folder, `${wanted}.${target}.gguf`);
    writeFileSync(path, await merged.read(0, merged.sizeBytes));
    const found = { vocab: 512, values: Float32Array.from(await logprobs(path)) };
    expect(distance({ vocab: 512, values: goldenLogits(wanted) }, found).d).toBeLessThan(most);
  });

  /** Logarithms of the probabilities after each token of the prompt. */
  async function logprobs(path: string): Promise<number[]> {
    const model = await llama.loadModel({ modelPath: path });
    const context = await model.createContext({ contextSize: 64, batchSize: 64, threads: 1, flashAttention: false });
    const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
    const prompt = goldenPrompt() as Token[];
    const results = await context
      .getSequence()
      .controlledEvaluate(prompt.map((token) => [token, { generateNext: { probabilities: true, options } }]));
    const rows = results.flatMap((result) => {
      const row: number[] = [];
      for (const [token, probability] of result?.next.probabilities ?? []) row[token] = Math.log(Math.max(probability, 1e-38));
      return row;
    });
    await model.dispose();
    return rows;
  }
});
