// Which of two models is better.
import { describe, expect, it } from "vitest";
import { expectedLoss, quantizationLoss } from "../../../../workers/engine/advise/quality.ts";

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
