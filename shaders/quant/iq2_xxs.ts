// IQ2_XXS: 256 weights in runs of 32; eight weights share a point of 256, their signs and, in a run, a 4-bit scale:
// weight = ± d · (scale + ½) / 4 · point[j].
//
//   byte 0..1             d, half
//   byte 2 + 8r + g       run r, group g = 0..3: number of the point of 8 weights
//   byte 6 + 8r .. 9+8r   32 bits: 7 bits of signs a group, g = 0 lowest; scale in the upper 4
import { codebook, EVEN_SIGNS, writeSigned } from "./codebook.ts";
import { HALF } from "./half.ts";
import { IQ2_XXS_POINTS } from "./iq2-points.ts";
import type { Quant } from "./quant.ts";

/** The coordinates of every IQ2 point. */
export const IQ2_COORDINATES = [8, 25, 43] as const;

const points = codebook(IQ2_XXS_POINTS, 2, IQ2_COORDINATES);

export const IQ2_XXS: Quant = {
  id: 16,
  blockSize: 256,
  blockBytes: 66,
  dequantize(blocks, out) {
    const grid = points();
    for (let i = 0, at = 0; i < out.length; i += 256, at += 66) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let run = 0; run < 8; run++) {
        const p = at + 2 + 8 * run;
        const word = blocks[p + 4]! | (blocks[p + 5]! << 8) | (blocks[p + 6]! << 16) | (blocks[p + 7]! << 24);
        const scale = d * (0.5 + (word >>> 28)) * 0.25;
        for (let group = 0; group < 4; group++) {
          const signs = EVEN_SIGNS[(word >> (7 * group)) & 127]!;
          writeSigned(out, i + 32 * run + 8 * group, scale, grid, 8 * blocks[p + group]!, 8, signs);
        }
      }
    }
  },
};
