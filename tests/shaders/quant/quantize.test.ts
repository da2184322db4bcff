// Packing weights: the bits of gguf-py where it packs, llama.cpp's accuracy where only C does.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { halfBits, HALF } from "../../../shaders/quant/half.ts";
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";

const GOLDEN = join(import.meta.dirname, "../../../../shared/golden/quants");

describe("quantize", () => {
  it.skipIf(!existsSync(GOLDEN)).each(["BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"] as const)(
    "%s equals gguf-py's bytes",
    (name) => {
      const weights = new Float32Array(Uint8Array.from(readFileSync(join(GOLDEN, `${name}.quant_src.f32.bin`))).buffer);
      const expected = readFileSync(join(GOLDEN, `${name}.quant_out.bin`));
      expect(Buffer.from(pack(name, weights)).equals(expected)).toBe(true);
    },
  );

  it("rounds to the nearest half, ties to even, and back", () => {
    for (let bits = 0; bits < 0x7c00; bits++) expect(halfBits(HALF[bits]!)).toBe(bits);
    expect(halfBits(1 + 2 ** -11)).toBe(0x3c00); // halfway between 1 and its neighbour: even
    expect(halfBits(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(halfBits(-65519)).toBe(0xfbff);
    expect(halfBits(65520)).toBe(0x7c00);
    expect(halfBits(2 ** -25)).toBe(0); // half of the smallest: even
    expect(halfBits(2 ** -24)).toBe(1);
    expect(halfBits(NaN) & 0x7c00).toBe(0x7c00);
  });

  // Relative RMS error on a normal distribution, as llama.cpp's reference quantizers give it; each more bit about halves it.
  it.each([
    ["Q8_0", 0.0058],
    ["Q6_K", 0.0195],
    ["Q5_K", 0.0375],
    ["Q5_1", 0.042],
    ["Q5_0", 0.045],
    ["Q4_K", 0.075],
    ["Q4_1", 0.085],
    ["Q4_0", 0.09],
  ] as const)("%s keeps normal weights to within %f", (name, most) => {
    const weights = normal(256 * 64);
    const back = unpack(name, pack(name, weights), weights.length);
    const error = Math.sqrt(sum(weights, (w, i) => (w - back[i]!) ** 2) / sum(weights, (w) => w * w));
    expect(error).toBeLessThan(most);
    expect(error).toBeGreaterThan(most / 2);
  });

  it.each(["F32", "F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "Q6_K", "Q5_K", "Q4_K"] as const)(
    "%s packs zeros and what it can represent without loss",
    (name) => {
      expect(unpack(name, pack(name, new Float32Array(512)), 512).every((w) => w === 0)).toBe(true);
      const representable = Float32Array.from({ length: 512 }, (_, i) => ((i * 7) % 16) - 8); // all of -8 to 7 in every 16
      expect([...unpack(name, pack(name, representable), 512)].map(Math.round)).toEqual([...representable]);
    },
  );
});

function pack(name: QuantName, weights: Float32Array): Uint8Array {
  const { blockSize, blockBytes, quantize } = QUANTS[name];
  const out = new Uint8Array((weights.length / blockSize) * blockBytes);
  if (!quantize) throw new Error(`${name} has no quantize`);
  quantize(weights, out);
  return out;
}

function unpack(name: QuantName, blocks: Uint8Array, length: number): Float32Array {
  const out = new Float32Array(length);
  QUANTS[name].dequantize(blocks, out);
  return out;
}

function sum(values: Float32Array, f: (value: number, index: number) => number): number {
  return values.reduce((total, value, i) => total + f(value, i), 0);
}

/** Box-Muller over a linear congruential generator. */
function normal(length: number): Float32Array {
  let state = 1;
  const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 + 2 ** -33;
  return Float32Array.from({ length }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}
