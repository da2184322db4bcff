// What a tensor is converted to: byte for byte what llama.cpp makes of it (tests/golden/published/quantize.py).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type QuantName, QUANTS } from "../../../../shaders/quant/index.ts";
import { packed } from "../../../golden/models.ts";

const sums = JSON.parse(readFileSync(join(import.meta.dirname, "../../../golden/published/quantized.json"), "utf8")) as Record<
  string,
  { readonly sha256: string; readonly error: number }
>;
const isQuant = (name: string): name is QuantName => name in QUANTS;

describe("a matrix of 64 x 512", () => {
  const weights = matrix(64 * 512);

  it.each(Object.keys(sums).filter(isQuant))("is quantized to %s byte for byte as llama.cpp does", (type) => {
    expect(createHash("sha256").update(packed(type, weights)).digest("hex")).toBe(sums[type]);
  });
});

/** Sums of four 24-bit numbers of a linear congruence: bell-shaped, and the same floats in any language. */
function matrix(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    let total = 0;
    for (let i = 0; i < 4; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      total += state >>> 8;
    }
    return (total - 2 ** 25) / 2 ** 30;
  });
}
