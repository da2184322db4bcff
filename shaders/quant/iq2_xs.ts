// IQ2_XS: 256 weights in groups of 8, each a point of 512 with signs; two groups share a 4-bit scale:
// weight = ± d · (scale + ½) / 4 · point[j].
//
//   byte 0..1     d, half
//   byte 2..65    16 bits a group: number of the point in the lower 9, signs in the upper 7
//   byte 66..73   scales: groups 4n and 4n + 1 in the low nibble of byte 66 + n, 4n + 2 and 4n + 3 in the high one
import { codebook, EVEN_SIGNS, writeSigned } from "./codebook.ts";
import { HALF } from "./half.ts";
import { IQ2_XS_POINTS } from "./iq2-points.ts";
import { IQ2_COORDINATES } from "./iq2_xxs.ts";
import type { Quant } from "./quant.ts";

const points = codebook(IQ2_XS_POINTS, 2, IQ2_COORDINATES);

export const IQ2_XS: Quant = {
  id: 17,
  blockSize: 256,
  blockBytes: 74,
  dequantize(blocks, out) {
    const grid = points();
    for (let i = 0, at = 0; i < out.length; i += 256, at += 74) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let group = 0; group < 32; group++) {
        const word = blocks[at + 2 + 2 * group]! | (blocks[at + 3 + 2 * group]! << 8);
        const nibble = (blocks[at + 66 + (group >> 2)]! >> (2 * (group & 2))) & 15;
        const scale = d * (0.5 + nibble) * 0.25;
        writeSigned(out, i + 8 * group, scale, grid, 8 * (word & 511), 8, EVEN_SIGNS[word >> 9]!);
      }
    }
  },
};
