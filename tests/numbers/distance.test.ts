// The measure itself, on numbers one can check by hand.
import { describe, expect, it } from "vitest";
import { distance } from "./distance.ts";

const logits = (...values: number[]): { vocab: number; values: Float32Array } => ({
  vocab: 3,
  values: Float32Array.from(values),
});

describe("distance", () => {
  it("is 0 for the same numbers, and for numbers that differ by a constant a position", () => {
    const truth = logits(1, 2, 3, -1, 0, 4);
    expect(distance(truth, truth).d).toBe(0);
    expect(distance(truth, logits(11, 12, 13, -8, -7, -3)).d).toBe(0);
  });

  it("is the RMS of the difference over the RMS of the centred truth", () => {
    // centred: -1 0 1, of squares 2; found, centred: -2 0 2; difference -1 0 1, of squares 2
    expect(distance(logits(1, 2, 3), logits(0, 2, 4)).d).toBeCloseTo(1, 6);
    expect(distance(logits(1, 2, 3), logits(0.99, 2, 3.01)).d).toBeCloseTo(0.01, 6);
  });

  it("counts agreeing best tokens, and names positions where a clear best one is missed", () => {
    const truth = logits(0, 1, 0.6, 0, 1, 0.4, 2, 0, 0);
    const found = logits(0, 1, 1.1, 0, 1, 1.1, 2, 0, 0);
    const { argmax, contradicted, positions } = distance(truth, found);
    expect(positions).toBe(3);
    expect(argmax).toBeCloseTo(1 / 3, 6);
    expect(contradicted).toEqual([1]); // ahead by 0.6; at position 0 only by 0.4
  });
});
