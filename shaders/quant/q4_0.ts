// Q4_0: 32 weights of 4 bits and one scale, weight = d · (q - 8).
//
//   byte 0..1    d, half
//   byte 2..17   byte 2 + j: q of weight j in the low nibble, of weight j + 16 in the high one
import { HALF, writeHalf } from "./half.ts";
import type { Quant } from "./quant.ts";
import { extreme } from "./range.ts";

export const Q4_0: Quant = {
  id: 2,
  blockSize: 32,
  blockBytes: 18,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 32, at += 18) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 2 + j]!;
        out[i + j] = d * ((byte & 15) - 8);
        out[i + j + 16] = d * ((byte >> 4) - 8);
      }
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 32, at += 18) {
      // The weight farthest from zero becomes exactly q = 0, the end of the range with one step more.
      const d = Math.fround(extreme(weights, i, 32) / -8);
      const inverse = d ? Math.fround(1 / d) : 0;
      writeHalf(out, at, d);
      const q = (w: number): number => Math.min(15, Math.fround(Math.fround(w * inverse) + 8.5)) & 15;
      for (let j = 0; j < 16; j++) out[at + 2 + j] = q(weights[i + j]!) | (q(weights[i + j + 16]!) << 4);
    }
  },
};
