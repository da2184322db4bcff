// IQ3_S: 256 weights in runs of 32; four weights share a point of 512, a run a 4-bit scale: weight = ± d · (2 · scale + 1) · point[j].
//
//   byte 0..1       d, half
//   byte 2..65      lower 8 bits of the point of each 4 weights
//   byte 66..73     ninth bits: of points 8n to 8n + 7 in byte 66 + n, the first one lowest
//   byte 74..105    signs of weights 8n to 8n + 7 in byte 74 + n, bit set for negative
//   byte 106..109   scales: run 2n in the low nibble of byte 106 + n, run 2n + 1 in the high one
import { codebook, writeSigned } from "./codebook.ts";
import { HALF } from "./half.ts";
import { IQ3_S_POINTS } from "./iq3-points.ts";
import type { Quant } from "./quant.ts";

const points = codebook(IQ3_S_POINTS, 4, [1, 3, 5, 7, 9, 11, 13, 15]);

export const IQ3_S: Quant = {
  id: 21,
  blockSize: 256,
  blockBytes: 110,
  dequantize(blocks, out) {
    const grid = points();
    for (let i = 0, at = 0; i < out.length; i += 256, at += 110) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let four = 0; four < 64; four++) {
        const run = four >> 3;
        const scale = d * (1 + 2 * ((blocks[at + 106 + (run >> 1)]! >> (4 * (run & 1))) & 15));
        const ninth = (blocks[at + 66 + run]! >> (four & 7)) & 1;
        const signs = blocks[at + 74 + (four >> 1)]! >> (4 * (four & 1));
        writeSigned(out, i + 4 * four, scale, grid, 4 * (blocks[at + 2 + four]! | (ninth << 8)), 4, signs);
      }
    }
  },
};
