// Q5_1: 32 weights of 5 bits, a scale and a minimum, weight = d · q + m.
//
//   byte 0..1    d, half
//   byte 2..3    m, half
//   byte 4..7    bit j: fifth bit of weight j's q
//   byte 8..23   byte 8 + j: lower bits of weight j in the low nibble, of weight j + 16 in the high one
import { HALF, writeHalf } from "./half.ts";
import { packFives } from "./q5_0.ts";
import type { Quant } from "./quant.ts";
import { bounds } from "./range.ts";

export const Q5_1: Quant = {
  id: 7,
  blockSize: 32,
  blockBytes: 24,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 32, at += 24) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      const m = HALF[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
      const low = blocks[at + 4]! | (blocks[at + 5]! << 8); // fifth bits of weights 0..15
      const high = blocks[at + 6]! | (blocks[at + 7]! << 8); // and of 16..31
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 8 + j]!;
        out[i + j] = d * ((byte & 15) | (((low >> j) & 1) << 4)) + m;
        out[i + j + 16] = d * ((byte >> 4) | (((high >> j) & 1) << 4)) + m;
      }
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 32, at += 24) {
      const [min, max] = bounds(weights, i, 32);
      const d = Math.fround(Math.fround(max - min) / 31);
      const inverse = d ? Math.fround(1 / d) : 0;
      writeHalf(out, at, d);
      writeHalf(out, at + 2, min);
      const q = (w: number): number => Math.min(31, Math.fround(Math.fround(Math.fround(w - min) * inverse) + 0.5)) & 31;
      packFives(out, at + 4, (j) => q(weights[i + j]!));
    }
  },
};
