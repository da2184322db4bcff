// Q4_1: 32 weights of 4 bits, a scale and a minimum, weight = d · q + m.
//
//   byte 0..1    d, half
//   byte 2..3    m, half
//   byte 4..19   byte 4 + j: q of weight j in the low nibble, of weight j + 16 in the high one
import { HALF, writeHalf } from "./half.ts";
import type { Quant } from "./quant.ts";
import { bounds } from "./range.ts";

export const Q4_1: Quant = {
  id: 3,
  blockSize: 32,
  blockBytes: 20,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 32, at += 20) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      const m = HALF[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 4 + j]!;
        out[i + j] = d * (byte & 15) + m;
        out[i + j + 16] = d * (byte >> 4) + m;
      }
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 32, at += 20) {
      const [min, max] = bounds(weights, i, 32);
      const d = Math.fround(Math.fround(max - min) / 15);
      const inverse = d ? Math.fround(1 / d) : 0;
      writeHalf(out, at, d);
      writeHalf(out, at + 2, min);
      const q = (w: number): number => Math.min(15, Math.fround(Math.fround(Math.fround(w - min) * inverse) + 0.5)) & 15;
      for (let j = 0; j < 16; j++) out[at + 4 + j] = q(weights[i + j]!) | (q(weights[i + j + 16]!) << 4);
    }
  },
};
