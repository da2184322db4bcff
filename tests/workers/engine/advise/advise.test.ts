// Measuring, predicting and remembering, with the real engine in Node. Nothing here depends on how fast the machine is.
import { beforeAll, describe, expect, it } from "vitest";
import { Adviser, drawModel } from "../../../../workers/engine/advise/advise.ts";
import { shapeNear, trainedTokensOf } from "../../../../workers/engine/advise/family.ts";
import type { ModelSketch } from "../../../../workers/engine/base/advice.ts";
import type { Stats } from "../../../../workers/engine/base/wire.ts";
import { nodeHost } from "../node-host.ts";

const SMOL: ModelSketch = {
  id: "smol",
  name: "SmolLM2",
  quantization: "Q8_0",
  parameters: 134_515_008,
  sizeBytes: 144_811_456,
  contextLength: 8192,
};
const SEVEN: ModelSketch = {
  ...SMOL,
  id: "seven",
  parameters: 6_738_415_616,
  sizeBytes: 7_161_089_728,
  contextLength: 4096,
};

function stats(prefill: number, decode: number, cachedTokens = 0): Stats {
  return {
    load: { bytes: 0, milliseconds: 0 },
    prefill: { tokens: prefill, cachedTokens, milliseconds: 500 },
    decode: { tokens: decode, milliseconds: 1000 },
    gpuBytes: 0,
    wasmBytes: 0,
  };
}

describe("the adviser", () => {
  const host = nodeHost({ threads: 2 });
  const adviser = new Adviser(host);
  const [smol, seven] = [SMOL, SEVEN].map(drawModel);

  beforeAll(async () => {
    expect(await adviser.mustMeasure([smol!, seven!])).toBe(true);
    await adviser.measure([smol!, seven!]);
  });

  it("predicts a speed, a wait, a context and the memory for it", async () => {
    const { predictions, loss, past } = await adviser.advise(smol!, SMOL);
    expect(predictions).toHaveLength(1); // no graphics card in Node
    const [{ backend, fit, memoryBytes, contextLength, firstTokenMs, tokensPerSecond }] = [predictions[0]!];
    expect({ backend, fit, contextLength }).toEqual({ backend: "wasm", fit: "yes", contextLength: 8192 });
    expect(memoryBytes).toBeGreaterThan(SMOL.sizeBytes);
    expect(firstTokenMs).toBeGreaterThan(1);
    expect(tokensPerSecond).toBeGreaterThan(0.1);
    expect(loss).toBeGreaterThan(1.69);
    expect(past).toBeNull();
  });

  it("finds a model of fifty times the weights slower, better, and too large for 4 GB", async () => {
    const small = await adviser.advise(smol!, SMOL);
    const large = await adviser.advise(seven!, SEVEN);
    expect(large.predictions[0]!.tokensPerSecond).toBeLessThan(small.predictions[0]!.tokensPerSecond / 5);
    expect(large.loss).toBeLessThan(small.loss);
    expect(large.predictions[0]!.fit).toBe("no");
  });

  it("measures a device once: another adviser of the same device finds what was measured", async () => {
    const later = new Adviser(host);
    await later.measure([smol!]);
    expect(await later.mustMeasure([smol!])).toBe(false);
    expect((await later.advise(smol!, SMOL)).predictions).toEqual((await adviser.advise(smol!, SMOL)).predictions);
  });

  it("measures a type it has not met", async () => {
    expect(await adviser.mustMeasure([drawModel({ ...SMOL, quantization: "Q4_0" })])).toBe(true);
  });

  it("keeps what an answer took beside what was predicted", async () => {
    const { predictions } = await adviser.advise(smol!, SMOL);
    await adviser.record("smol", { backend: "wasm" }, stats(64, 50));
    const { past } = await adviser.advise(smol!, SMOL);
    // 64 tokens in 500 ms are 1,000 ms for 128
    expect(past).toMatchObject({ predicted: predictions[0], outcome: { firstTokenMs: 1000, tokensPerSecond: 50 } });
  });

  it("keeps the wait of before where an answer's question was in the cache, and nothing of a word or two", async () => {
    await adviser.record("smol", { backend: "wasm" }, stats(64, 40, 60));
    expect((await adviser.advise(smol!, SMOL)).past?.outcome).toMatchObject({ firstTokenMs: 1000, tokensPerSecond: 40 });
    await adviser.record("smol", { backend: "wasm" }, stats(64, 2));
    expect((await adviser.advise(smol!, SMOL)).past?.outcome.tokensPerSecond).toBe(40);
  });
});

describe("a graphics card", () => {
  const card = {
    name: "A card",
    bufferBytes: 2 ** 31,
    decodeMs: { Q8_0: 1e-8 },
    prefillMs: { Q8_0: 1e-9 },
    byteMs: 0,
    cachedBytes: 0,
    layerMs: 0.01,
    attendMs: 0,
    prefillAttendMs: 0,
    activationMs: 0,
  };

  it("is predicted by what was measured of it, the faster backend first", async () => {
    const host = nodeHost();
    await host.remember("speed gpu 2", card);
    const adviser = new Adviser(host);
    const { predictions } = await adviser.advise(drawModel(SMOL), SMOL);
    // 134,479,872 weights in the matrices, 30 layers
    expect(predictions).toMatchObject([{ backend: "webgpu", place: "A card", fit: "yes" }]);
    expect(predictions[0]!.tokensPerSecond).toBeCloseTo(1000 / (1.3447987 + 0.3), 1);
  });

  it("is believed to be as slow as its first answer, once a model", async () => {
    const host = nodeHost();
    await host.remember("speed gpu 2", card);
    const adviser = new Adviser(host);
    const speed = async (): Promise<number> => (await adviser.advise(drawModel(SMOL), SMOL)).predictions[0]!.tokensPerSecond;
    const before = await speed();
    for (let answer = 0; answer < 2; answer++) {
      await adviser.record("smol", { backend: "webgpu" }, { ...stats(64, 50), decode: { tokens: before, milliseconds: 2000 } });
    }
    expect(await speed()).toBeCloseTo(before / 2, 3);
  });
});

describe("the family", () => {
  it("is known by its parameters", () => {
    expect(shapeNear(6.7e9)).toMatchObject({ layers: 32, dim: 4096, kvHeads: 32 });
    expect(shapeNear(70e9)).toMatchObject({ layers: 80 });
  });

  it("learned from so many tokens, as far as its makers say", () => {
    expect(trainedTokensOf({ parameters: 6_738_415_616, contextLength: 2048 })).toBe(1e12);
    expect(trainedTokensOf({ parameters: 6_738_415_616, contextLength: 4096 })).toBe(2e12);
    expect(trainedTokensOf({ parameters: 7_241_732_096, contextLength: 32768 })).toBeNull();
    expect(trainedTokensOf({ parameters: 5e9, contextLength: 4096 })).toBeNull();
  });
});
