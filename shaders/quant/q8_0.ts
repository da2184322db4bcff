// Q8_0: 32 weights of 8 bits and one scale, weight = d · q.
//
//   byte 0..1    d, half
//   byte 2..33   q, signed
import { HALF, writeHalf } from "./half.ts";
import type { Quant } from "./quant.ts";
import { extreme } from "./range.ts";

export const Q8_0: Quant = {
  id: 8,
  blockSize: 32,
  blockBytes: 34,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 32, at += 34) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let j = 0; j < 32; j++) out[i + j] = d * ((blocks[at + 2 + j]! << 24) >> 24);
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 32, at += 34) {
      const d = Math.fround(Math.abs(extreme(weights, i, 32)) / 127);
      const inverse = d ? Math.fround(1 / d) : 0;
      writeHalf(out, at, d);
      for (let j = 0; j < 32; j++) {
        const q = Math.fround(weights[i + j]! * inverse);
        out[at + 2 + j] = Math.trunc(q + (q < 0 ? -0.5 : 0.5)); // halves away from zero
      }
    }
  },
};
