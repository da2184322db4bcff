import { describe, expect, it } from "vitest";
import type { Metadata } from "../../../../workers/engine/base/metadata.ts";
import { ropeOf } from "../../../../workers/engine/model/rope.ts";

function metadata(values: Record<string, number | string>): Metadata {
  const get = (key: string, kind: string): never | null => {
    const value = values[key.replace("llama.rope.", "")];
    return typeof value === kind ? (value as never) : null;
  };
  return {
    text: (key) => get(key, "string"),
    number: (key) => get(key, "number"),
    flag: () => null,
    numbers: () => null,
    texts: () => null,
  };
}

describe("rotary positions", () => {
  it("turn the first pair once per 2 pi positions, the others ever slower", () => {
    const { frequencies } = ropeOf(metadata({ freq_base: 10000 }), 4, null);
    expect([...frequencies]).toEqual([1, Math.fround(0.01)]);
  });

  it("are divided by a linear factor, under its new name and its old one", () => {
    const modern = ropeOf(metadata({ "scaling.type": "linear", "scaling.factor": 4 }), 4, null);
    const old = ropeOf(metadata({ scale_linear: 4 }), 4, null);
    expect(modern.frequencies[0]).toBe(0.25);
    expect(old).toEqual(modern);
  });

  it("are divided one by one as Llama 3.1's rope_freqs say", () => {
    const { frequencies } = ropeOf(metadata({ freq_base: 100 }), 4, Float32Array.of(1, 8));
    expect([...frequencies]).toEqual([1, Math.fround(0.1 / 8)]);
  });

  it("keep fast rotations and slow the others down under YaRN", () => {
    const values = { "scaling.type": "yarn", "scaling.factor": 4, "scaling.original_context_length": 2048 };
    const { frequencies, magnitude } = ropeOf(metadata(values), 128, null);
    expect(frequencies[0]).toBe(1);
    expect(frequencies[63]! * 10000 ** (126 / 128)).toBeCloseTo(0.25, 6);
    expect(magnitude).toBeCloseTo(1 + 0.1 * Math.log(4), 12);
  });

  it("refuse a scaling nobody told us of", () => {
    expect(() => ropeOf(metadata({ "scaling.type": "longrope" }), 4, null)).toThrow(/longrope/);
  });
});
