// IQ3_XXS: 256 weights in runs of 32; four weights share a point of 256, eight their signs, a run a 4-bit scale:
// weight = ± d · (scale + ½) / 2 · point[j].
//
//   byte 0..1             d, half
//   byte 2..65            number of the point of each 4 weights
//   byte 66 + 4r .. + 3   run r, 32 bits: 7 bits of signs for each 8 weights, the first ones lowest; scale in the upper 4
import { codebook, EVEN_SIGNS, writeSigned } from "./codebook.ts";
import { HALF } from "./half.ts";
import { IQ3_XXS_POINTS } from "./iq3-points.ts";
import type { Quant } from "./quant.ts";

const points = codebook(IQ3_XXS_POINTS, 4, [4, 12, 20, 28, 36, 44, 52, 62]);

export const IQ3_XXS: Quant = {
  id: 18,
  blockSize: 256,
  blockBytes: 98,
  dequantize(blocks, out) {
    const grid = points();
    for (let i = 0, at = 0; i < out.length; i += 256, at += 98) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let run = 0; run < 8; run++) {
        const p = at + 66 + 4 * run;
        const word = blocks[p]! | (blocks[p + 1]! << 8) | (blocks[p + 2]! << 16) | (blocks[p + 3]! << 24);
        const scale = d * (0.5 + (word >>> 28)) * 0.5;
        for (let four = 0; four < 8; four++) {
          const signs = EVEN_SIGNS[(word >> (7 * (four >> 1))) & 127]! >> (4 * (four & 1));
          writeSigned(out, i + 32 * run + 4 * four, scale, grid, 4 * blocks[at + 2 + 8 * run + four]!, 4, signs);
        }
      }
    }
  },
};
