// Every tensor type is unpacked to the bits of gguf-py, llama.cpp's own reference in numpy.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";

const GOLDEN = join(import.meta.dirname, "../../../../shared/golden/quants");
const names = Object.keys(QUANTS).filter((name): name is QuantName => name in QUANTS);

/** FNV-1a over the words of gguf.quants.dequantize(…) for blocks of pseudo-random bytes; gguf 0.19.0, numpy 2.4.6. */
const CHECKS: Partial<Record<QuantName, { seed: number; blocks: number; hash: number }>> = {
  F16: { seed: 484, blocks: 256, hash: 0x642591c5 },
  BF16: { seed: 2, blocks: 256, hash: 0x2112d1c5 },
  Q4_0: { seed: 3, blocks: 8, hash: 0xe3af51c5 },
  Q4_1: { seed: 1, blocks: 8, hash: 0x1f53788d },
  Q5_0: { seed: 1, blocks: 8, hash: 0xc2ab8bc5 },
  Q5_1: { seed: 2, blocks: 8, hash: 0xf678a1e0 },
  Q8_0: { seed: 1, blocks: 8, hash: 0x1d40cb45 },
  Q2_K: { seed: 1, blocks: 4, hash: 0xfa7c4069 },
  Q3_K: { seed: 1, blocks: 4, hash: 0x6ea02805 },
  Q4_K: { seed: 1, blocks: 4, hash: 0x51c5fd57 },
  Q5_K: { seed: 1, blocks: 4, hash: 0x980c2143 },
  Q6_K: { seed: 2, blocks: 4, hash: 0x331b9b9b },
  IQ1_S: { seed: 1, blocks: 4, hash: 0x96c402c5 },
  IQ1_M: { seed: 1, blocks: 4, hash: 0x4d59e705 },
  IQ2_XXS: { seed: 1, blocks: 4, hash: 0xf4f99db5 },
  IQ2_XS: { seed: 2, blocks: 4, hash: 0x9a8b5c7d },
  IQ2_S: { seed: 1, blocks: 4, hash: 0x31a5a8ed },
  IQ3_XXS: { seed: 2, blocks: 4, hash: 0xd7763195 },
  IQ3_S: { seed: 1, blocks: 4, hash: 0xe9b94d65 },
  IQ4_NL: { seed: 3, blocks: 8, hash: 0x85c52bc5 },
  IQ4_XS: { seed: 1, blocks: 4, hash: 0x0ff3d94f },
  TQ1_0: { seed: 1, blocks: 4, hash: 0x3d898dc5 },
  TQ2_0: { seed: 1, blocks: 4, hash: 0x9c9badc5 },
  MXFP4: { seed: 2, blocks: 8, hash: 0x0ba1d1c5 },
  NVFP4: { seed: 1, blocks: 4, hash: 0x2c39d1c5 },
};

describe("dequantize", () => {
  it.each(names)("%s has a block of whole bytes", (name) => {
    const { blockSize, blockBytes } = QUANTS[name];
    expect((blockBytes * 8) / blockSize).toBeGreaterThan(1.5);
    expect((blockBytes * 8) / blockSize).toBeLessThanOrEqual(32);
  });

  it("gives every type another number", () => {
    expect(new Set(names.map((name) => QUANTS[name].id)).size).toBe(names.length);
  });

  it.each(names.filter((name) => name !== "F32"))("%s equals gguf-py on random blocks, at an odd address", (name) => {
    const check = CHECKS[name];
    if (!check) throw new Error(`no check for ${name}`);
    const { blockSize, blockBytes } = QUANTS[name];
    const odd = new Uint8Array(1 + check.blocks * blockBytes);
    odd.set(randomBytes(check.seed, check.blocks * blockBytes), 1);
    const out = new Float32Array(check.blocks * blockSize);
    QUANTS[name].dequantize(odd.subarray(1), out);
    expect(hash(out)).toBe(check.hash);
  });

  it("reads a block of Q4_0 as drawn: d = 2, weight 0 in the first low nibble, weight 16 in the first high one", () => {
    const block = Uint8Array.of(0x00, 0x40, 0x9f, ...new Array<number>(15).fill(0x88)); // 0x4000 is 2; 15 - 8 = 7, 9 - 8 = 1
    const out = new Float32Array(32);
    QUANTS.Q4_0.dequantize(block, out);
    expect([out[0], out[1], out[16], out[17]]).toEqual([14, 0, 2, 0]);
  });

  it("reads a block of Q6_K as drawn: d = 1, scale 3 for the first 16 weights, q = 35", () => {
    const block = new Uint8Array(210);
    block[0] = 3; // lower bits of weight 0
    block[128] = 2; // upper bits of weight 0: q = 2 · 16 + 3 = 35
    block[192] = 3;
    block.set([0x00, 0x3c], 208);
    const out = new Float32Array(256);
    QUANTS.Q6_K.dequantize(block, out);
    expect([out[0], out[1], out[16]]).toEqual([9, -96, -0]); // 3 · (35 - 32), 3 · (0 - 32), 0 · (0 - 32)
  });

  it.skipIf(!existsSync(GOLDEN)).each(names.filter((name) => existsSync(join(GOLDEN, `${name}.blocks.bin`))))(
    "%s equals the golden vectors",
    (name) => {
      const expected = floats(`${name}.f32.bin`);
      const out = new Float32Array(expected.length);
      QUANTS[name].dequantize(readFileSync(join(GOLDEN, `${name}.blocks.bin`)), out);
      expect(Buffer.from(out.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
    },
  );
});

function floats(file: string): Float32Array {
  return new Float32Array(Uint8Array.from(readFileSync(join(GOLDEN, file))).buffer);
}

/** The upper bytes of a linear congruential generator, Numerical Recipes' constants. */
function randomBytes(seed: number, length: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function hash(values: Float32Array): number {
  const words = new Uint32Array(values.buffer);
  return words.reduce((sum, word) => Math.imul(sum ^ word, 0x01000193) >>> 0, 0x811c9dc5);
}
