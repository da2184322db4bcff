// Predictions in words.
import { describe, expect, it } from "vitest";
import type { Advice, Prediction } from "../../../workers/engine/base/advice.ts";
import { forecastOf, formatWait } from "../../../web/lib/forecast.ts";

const BUDGET = { memoryBytes: null, tokensPerSecond: 8 };

function advice(changes: Partial<Prediction>): Advice {
  const prediction: Prediction = {
    backend: "wasm",
    place: "",
    fit: "yes",
    memoryBytes: 2e9,
    contextLength: 4096,
    firstTokenMs: 100,
    tokensPerSecond: 20,
    ...changes,
  };
  return { predictions: [prediction] } as unknown as Advice;
}

describe("a forecast", () => {
  it("is good where a model fits and is fast enough", () => {
    expect(forecastOf(advice({}), BUDGET)).toMatchObject({ tone: "good", text: "20.0 tokens/s" });
  });

  it("warns of what is slow, of what barely fits, and of what is over the limit", () => {
    expect(forecastOf(advice({ tokensPerSecond: 2 }), BUDGET).tone).toBe("slow");
    expect(forecastOf(advice({ fit: "tight" }), BUDGET)).toMatchObject({ tone: "tight", text: "20.0 tokens/s, barely fits" });
    expect(forecastOf(advice({}), { ...BUDGET, memoryBytes: 1e9 }).tone).toBe("tight");
  });

  it("says what is missing where a model does not fit", () => {
    expect(forecastOf(advice({ fit: "no" }), BUDGET)).toMatchObject({
      tone: "no",
      text: "needs 2.0 GB of memory",
      prediction: null,
    });
    expect(forecastOf({ predictions: [] } as unknown as Advice, BUDGET).text).toBe("does not run here");
  });

  it("rounds a wait to what one notices", () => {
    expect([20, 234, 4321, 14_400, 180_000].map(formatWait)).toEqual(["0.1 s", "0.2 s", "4.3 s", "14 s", "3 min"]);
  });
});
