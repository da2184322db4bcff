// IQ2_S: 256 weights in groups of 8, each a point of 1024 with signs; two groups share a 4-bit scale:
// weight = ± d · (scale + ½) / 4 · point[j].
//
//   byte 0..1     d, half
//   byte 2..33    lower 8 bits of each group's point
//   byte 34..65   signs of each group's weights, bit set for negative
//   byte 66..73   upper 2 bits of the points, group 4n + g at bit 2g of byte 66 + n
//   byte 74..81   scales: groups 4n and 4n + 1 in the low nibble of byte 74 + n, 4n + 2 and 4n + 3 in the high one
import { codebook, writeSigned } from "./codebook.ts";
import { HALF } from "./half.ts";
import { IQ2_S_POINTS } from "./iq2-points.ts";
import { IQ2_COORDINATES } from "./iq2_xxs.ts";
import type { Quant } from "./quant.ts";

const points = codebook(IQ2_S_POINTS, 2, IQ2_COORDINATES);

export const IQ2_S: Quant = {
  id: 22,
  blockSize: 256,
  blockBytes: 82,
  dequantize(blocks, out) {
    const grid = points();
    for (let i = 0, at = 0; i < out.length; i += 256, at += 82) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let group = 0; group < 32; group++) {
        const upper = (blocks[at + 66 + (group >> 2)]! >> (2 * (group & 3))) & 3;
        const point = blocks[at + 2 + group]! | (upper << 8);
        const nibble = (blocks[at + 74 + (group >> 2)]! >> (2 * (group & 2))) & 15;
        const scale = d * (0.5 + nibble) * 0.25;
        writeSigned(out, i + 8 * group, scale, grid, 8 * point, 8, blocks[at + 34 + group]!);
      }
    }
  },
};
