// Q5_0: 32 weights of 5 bits and one scale, weight = d · (q - 16).
//
//   byte 0..1    d, half
//   byte 2..5    bit j: fifth bit of weight j's q
//   byte 6..21   byte 6 + j: lower bits of weight j in the low nibble, of weight j + 16 in the high one
import { HALF, writeHalf } from "./half.ts";
import type { Quant } from "./quant.ts";
import { extreme } from "./range.ts";

export const Q5_0: Quant = {
  id: 6,
  blockSize: 32,
  blockBytes: 22,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 32, at += 22) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      const low = blocks[at + 2]! | (blocks[at + 3]! << 8); // fifth bits of weights 0..15
      const high = blocks[at + 4]! | (blocks[at + 5]! << 8); // and of 16..31
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 6 + j]!;
        out[i + j] = d * (((byte & 15) | (((low >> j) & 1) << 4)) - 16);
        out[i + j + 16] = d * (((byte >> 4) | (((high >> j) & 1) << 4)) - 16);
      }
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 32, at += 22) {
      const d = Math.fround(extreme(weights, i, 32) / -16);
      const inverse = d ? Math.fround(1 / d) : 0;
      writeHalf(out, at, d);
      const q = (w: number): number => Math.min(31, Math.fround(Math.fround(w * inverse) + 16.5)) & 31;
      packFives(out, at + 2, (j) => q(weights[i + j]!));
    }
  },
};

/** Writes 32 numbers of 5 bits: four bytes of fifth bits, then sixteen of nibbles. Q5_1 does the same. */
export function packFives(out: Uint8Array, at: number, q: (j: number) => number): void {
  out.fill(0, at, at + 4);
  for (let j = 0; j < 16; j++) {
    const first = q(j);
    const second = q(j + 16);
    out[at + (j >> 3)]! |= (first >> 4) << (j & 7);
    out[at + 2 + (j >> 3)]! |= (second >> 4) << (j & 7);
    out[at + 4 + j] = (first & 15) | ((second & 15) << 4);
  }
}
