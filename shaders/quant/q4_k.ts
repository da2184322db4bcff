// Q4_K: 256 weights of 4 bits in eight runs of 32, each with a 6-bit scale and minimum: weight = d · scale · q - dmin · minimum.
//
//   byte 0..1      d, half
//   byte 2..3      dmin, half
//   byte 4..15     scales and minimums (k-scales.ts)
//   byte 16..143   byte 16 + 32 · p + j: q of weight 64 · p + j in the low nibble, of 64 · p + 32 + j in the high one
import { HALF } from "./half.ts";
import { minimumOf, scaleOf } from "./k-scales.ts";
import { quantizeRuns } from "./k-search.ts";
import type { Quant } from "./quant.ts";

export const Q4_K: Quant = {
  id: 12,
  blockSize: 256,
  blockBytes: 144,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 144) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      const dmin = HALF[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
      for (let pair = 0; pair < 4; pair++) {
        const lowScale = d * scaleOf(blocks, at + 4, 2 * pair);
        const lowMinimum = dmin * minimumOf(blocks, at + 4, 2 * pair);
        const highScale = d * scaleOf(blocks, at + 4, 2 * pair + 1);
        const highMinimum = dmin * minimumOf(blocks, at + 4, 2 * pair + 1);
        const first = i + 64 * pair;
        for (let j = 0; j < 32; j++) {
          const byte = blocks[at + 16 + 32 * pair + j]!;
          out[first + j] = lowScale * (byte & 15) - lowMinimum;
          out[first + j + 32] = highScale * (byte >> 4) - highMinimum;
        }
      }
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 256, at += 144) {
      const q = quantizeRuns(weights.subarray(i, i + 256), out, at, 15);
      for (let j = 0; j < 128; j++) {
        const low = (j & 31) + 64 * (j >> 5);
        out[at + 16 + j] = q[low]! | (q[low + 32]! << 4);
      }
    }
  },
};
