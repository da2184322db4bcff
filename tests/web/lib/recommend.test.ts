// Which model a budget affords.
import { describe, expect, it } from "vitest";
import { recommend, usualPrediction } from "../../../web/lib/recommend.ts";
import type { Prediction } from "../../../workers/engine/base/advice.ts";

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
