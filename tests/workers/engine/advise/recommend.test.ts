// Which model is better, and which one a budget affords.
import { describe, expect, it } from "vitest";
import { expectedLoss, quantizationLoss } from "../../../../workers/engine/advise/quality.ts";
import { recommend, usualPrediction } from "../../../../workers/engine/advise/recommend.ts";
import type { Prediction } from "../../../../workers/engine/base/advice.ts";

function model(parameters: number, quantization: string, trainedTokens: number | null = 1e12): number {
  return expectedLoss({ parameters, quantization, trainedTokens, sizeBytes: parameters / 2 });
}

describe("the better model", () => {
  it("has more parameters", () => {
    expect(model(7e9, "Q4_K_M")).toBeLessThan(model(1e9, "Q4_K_M"));
  });

  it("was trained for longer, where that outweighs its size: Llama 3.2 3B and the first LLaMA 7B", () => {
    expect(model(3.2e9, "Q4_K_M", 9e12)).toBeLessThan(model(6.7e9, "Q4_K_M", 1e12));
  });

  it("has more bits, as llama.cpp measured them", () => {
    const order = ["F16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0", "Q3_K_L"];
    const losses = order.map((name) => model(7e9, name));
    expect(losses).toEqual([...losses].sort((a, b) => a - b));
    expect(quantizationLoss("Q4_0", 4.5)).toBeCloseTo(Math.log((6.2332 + 0.4685) / 6.2332));
  });

  it("is judged by its bits where its quantization has another name", () => {
    expect(quantizationLoss("IQ4_XS", 4.25)).toBeGreaterThan(quantizationLoss("Q4_K_S", 4.37));
    expect(quantizationLoss("IQ4_XS", 4.25)).toBeLessThan(quantizationLoss("Q3_K_M", 3.74));
    expect(quantizationLoss("Q3_K_XL", 4.1)).toBe(quantizationLoss("Q3_K_L", 4.1));
    expect(quantizationLoss("a hundred bits", 100)).toBe(0);
    expect(quantizationLoss("IQ1_S", 1.5)).toBeGreaterThan(quantizationLoss("Q2_K", 2.9));
  });
});

function candidate(name: string, loss: number, tokensPerSecond: number, memoryBytes: number, fit: Prediction["fit"] = "yes") {
  const prediction: Prediction = {
    backend: "wasm",
    place: "",
    fit,
    memoryBytes,
    contextLength: 2048,
    firstTokenMs: 1,
    tokensPerSecond,
  };
  return { name, loss, predictions: [prediction] };
}

describe("the advice", () => {
  const models = [
    candidate("small", 3, 90, 2e8),
    candidate("middle", 2.5, 20, 1e9),
    candidate("large", 2, 4, 5e9),
    candidate("too large", 1.5, 1, 5e10, "no"),
  ];

  it("is the best that is fast enough", () => {
    expect(recommend(models, { memoryBytes: null, tokensPerSecond: 15 })?.name).toBe("middle");
    expect(recommend(models, { memoryBytes: null, tokensPerSecond: 3 })?.name).toBe("large");
  });

  it("is the best that is small enough", () => {
    expect(recommend(models, { memoryBytes: 5e8, tokensPerSecond: 1 })?.name).toBe("small");
  });

  it("is the fastest where none is fast enough, and none where none fits", () => {
    expect(recommend(models, { memoryBytes: null, tokensPerSecond: 200 })?.name).toBe("small");
    expect(recommend(models.slice(3), { memoryBytes: null, tokensPerSecond: 0 })).toBeNull();
  });

  it("runs a model where it fits with room to spare, then where it is tight", () => {
    const [tight] = candidate("", 1, 1, 1, "tight").predictions;
    const [roomy] = candidate("", 1, 1, 1).predictions;
    expect(usualPrediction({ predictions: [tight!, roomy!] })).toBe(roomy);
    expect(usualPrediction({ predictions: [tight!] })).toBe(tight);
    expect(usualPrediction({ predictions: [] })).toBeNull();
  });
});
