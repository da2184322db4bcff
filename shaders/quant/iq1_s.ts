// IQ1_S: 256 weights in groups of 8, each a point of 2048 with coordinates -1, 0, 1; a run of 32 shares a 3-bit scale and
// the sign of a shift: weight = d · (2 · scale + 1) · (point[j] ± ⅛).
//
//   byte 0..1     d, half
//   byte 2..33    lower 8 bits of each group's point
//   byte 34..49   16 bits a run: upper 3 bits of its four points, the first one lowest; scale in bits 12..14; bit 15 set for - ⅛
import { codebook } from "./codebook.ts";
import { HALF } from "./half.ts";
import { IQ1_POINTS } from "./iq1-points.ts";
import type { Quant } from "./quant.ts";

/** The codebook that IQ1_S and IQ1_M share. */
export const iq1Points = codebook(IQ1_POINTS, 2, [-1, 0, 1]);

export const IQ1_S: Quant = {
  id: 19,
  blockSize: 256,
  blockBytes: 50,
  dequantize(blocks, out) {
    const grid = iq1Points();
    for (let i = 0, at = 0; i < out.length; i += 256, at += 50) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let run = 0; run < 8; run++) {
        const word = blocks[at + 34 + 2 * run]! | (blocks[at + 35 + 2 * run]! << 8);
        const scale = d * (2 * ((word >> 12) & 7) + 1);
        const shift = word & 0x8000 ? -0.125 : 0.125;
        for (let group = 0; group < 4; group++) {
          const point = 8 * (blocks[at + 2 + 4 * run + group]! | (((word >> (3 * group)) & 7) << 8));
          const first = i + 32 * run + 8 * group;
          for (let j = 0; j < 8; j++) out[first + j] = scale * (grid[point + j]! + shift);
        }
      }
    }
  },
};
