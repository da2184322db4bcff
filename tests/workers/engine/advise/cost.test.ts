// The arithmetic of predictions, with numbers one can check by hand.
import { describe, expect, it } from "vitest";
import { promptMs, tokenMs, typicalCost, type Speed } from "../../../../workers/engine/advise/cost.ts";
import { plainModel } from "../../../../workers/engine/advise/sketch.ts";
import { workOf } from "../../../../workers/engine/advise/work.ts";
import { SHAPE } from "./shapes.ts";

const NOTHING: Speed = {
  decodeMs: {},
  prefillMs: {},
  byteMs: 0,
  cachedBytes: 0,
  layerMs: 0,
  attendMs: 0,
  prefillAttendMs: 0,
  activationMs: 0,
};
const work = workOf(plainModel(SHAPE, "Q4_0"));

describe("the work of a model", () => {
  it("is its weights by type, apart for layers and head", () => {
    // a layer: q and output 64 x 64, k and v 32 x 64, gate, up and down 128 x 64
    expect(work.matrices).toEqual([{ type: "Q4_0", layers: 2 * (2 * 4096 + 2 * 2048 + 3 * 8192), head: 100 * 64 }]);
  });

  it("is two products for each number of each query head and position", () => {
    expect(work.attention).toBe(2 * 2 * 64);
  });

  it("is what goes into and comes out of the linear maps", () => {
    expect(work.activations).toBe(2 * (2 * 128 + 2 * 96 + 3 * 192));
  });
});

describe("a token", () => {
  it("costs its weights, whatever was said before", () => {
    const speed = { ...NOTHING, decodeMs: { Q4_0: 1e-3 } };
    expect(tokenMs(work, speed, 0)).toBeCloseTo((73728 + 6400) / 1000);
    expect(tokenMs(work, speed, 500)).toBe(tokenMs(work, speed, 0));
  });

  it("costs what memory gives, as far as no cache holds its weights", () => {
    const bytes = (80_128 * 18) / 32;
    const speed = { ...NOTHING, decodeMs: { Q4_0: 1e-3 }, byteMs: 0.01, cachedBytes: bytes / 4 };
    expect(tokenMs(work, speed, 0)).toBeCloseTo(0.25 * 80.128 + 0.75 * bytes * 0.01);
    expect(tokenMs(work, { ...speed, cachedBytes: bytes }, 0)).toBeCloseTo(80.128);
  });

  it("costs every layer its share, and every position behind it", () => {
    expect(tokenMs(work, { ...NOTHING, decodeMs: { Q4_0: 0 }, layerMs: 3 }, 9)).toBe(6);
    expect(tokenMs(work, { ...NOTHING, decodeMs: { Q4_0: 0 }, attendMs: 0.5 }, 10)).toBe(10 * 256 * 0.5);
  });

  it("of a type that was not measured costs what eight bits cost", () => {
    expect(tokenMs(work, { ...NOTHING, decodeMs: { Q8_0: 2, Q2_K: 1 } }, 0)).toBe(2 * (73728 + 6400));
  });
});

describe("a prompt", () => {
  it("multiplies the layers for every token, and the head for the last alone", () => {
    const speed = { ...NOTHING, prefillMs: { Q4_0: 1 }, decodeMs: { Q4_0: 10 } };
    expect(promptMs(work, speed, 5)).toBe(5 * 73728 + 10 * 6400);
  });

  it("looks back from each token at those before it", () => {
    const speed = { ...NOTHING, prefillMs: { Q4_0: 0 }, decodeMs: { Q4_0: 0 }, prefillAttendMs: 1 };
    expect(promptMs(work, speed, 5)).toBe((4 + 3 + 2 + 1) * 256);
  });

  it("pays for its layers once a chunk of 128", () => {
    const speed = { ...NOTHING, prefillMs: { Q4_0: 0 }, decodeMs: { Q4_0: 0 }, layerMs: 1 };
    expect([128, 129].map((tokens) => promptMs(work, speed, tokens))).toEqual([2, 4]);
  });

  it("and a token make the typical case: 128 tokens read, 192 behind", () => {
    const speed = { ...NOTHING, decodeMs: { Q4_0: 1e-3 }, prefillMs: { Q4_0: 1e-4 }, attendMs: 1e-3 };
    const { firstTokenMs, tokensPerSecond } = typicalCost(work, speed);
    expect(firstTokenMs).toBe(promptMs(work, speed, 128));
    expect(tokensPerSecond).toBeCloseTo(1000 / (80.128 + 192 * 0.256));
  });
});
