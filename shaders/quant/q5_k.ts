// Q5_K: 256 weights of 5 bits in eight runs of 32, each with a 6-bit scale and minimum: weight = d · scale · q - dmin · minimum.
//
//   byte 0..1      d, half
//   byte 2..3      dmin, half
//   byte 4..15     scales and minimums (k-scales.ts)
//   byte 16..47    byte 16 + j, bit r: fifth bit of weight 32 · r + j's q
//   byte 48..175   byte 48 + 32 · p + j: lower bits of weight 64 · p + j in the low nibble, of 64 · p + 32 + j in the high one
import { HALF } from "./half.ts";
import { minimumOf, scaleOf } from "./k-scales.ts";
import { quantizeRuns } from "./k-search.ts";
import type { Quant } from "./quant.ts";

export const Q5_K: Quant = {
  id: 13,
  blockSize: 256,
  blockBytes: 176,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 176) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      const dmin = HALF[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
      for (let run = 0; run < 8; run++) {
        const scale = d * scaleOf(blocks, at + 4, run);
        const minimum = dmin * minimumOf(blocks, at + 4, run);
        const nibbles = at + 48 + 32 * (run >> 1);
        const shift = 4 * (run & 1);
        for (let j = 0; j < 32; j++) {
          const fifth = (blocks[at + 16 + j]! >> run) & 1;
          const q = ((blocks[nibbles + j]! >> shift) & 15) | (fifth << 4);
          out[i + 32 * run + j] = scale * q - minimum;
        }
      }
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 256, at += 176) {
      const q = quantizeRuns(weights.subarray(i, i + 256), out, at, 31);
      out.fill(0, at + 16, at + 48);
      for (let w = 0; w < 256; w++) out[at + 16 + (w & 31)]! |= (q[w]! >> 4) << (w >> 5);
      for (let j = 0; j < 128; j++) {
        const low = (j & 31) + 64 * (j >> 5);
        out[at + 48 + j] = (q[low]! & 15) | ((q[low + 32]! & 15) << 4);
      }
    }
  },
};
