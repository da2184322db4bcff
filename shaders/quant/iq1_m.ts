// IQ1_M: 256 weights in groups of 8, each a point of 2048 with coordinates -1, 0, 1 and the sign of a shift; two groups share a
// 3-bit scale: weight = d · (2 · scale + 1) · (point[j] ± ⅛).
//
//   byte 0..31    lower 8 bits of each group's point
//   byte 32..47   groups 2n (low nibble) and 2n + 1 (high one): upper 3 bits of the point, then a bit set for - ⅛
//   byte 48..55   four words of 16 bits: scales of group pairs 4n to 4n + 3 in word n, 3 bits each, the first one lowest;
//                 the upper nibbles, that of word 0 lowest, are d, half
import { HALF } from "./half.ts";
import { iq1Points } from "./iq1_s.ts";
import type { Quant } from "./quant.ts";

export const IQ1_M: Quant = {
  id: 29,
  blockSize: 256,
  blockBytes: 56,
  dequantize(blocks, out) {
    const grid = iq1Points();
    for (let i = 0, at = 0; i < out.length; i += 256, at += 56) {
      const word = (n: number): number => blocks[at + 48 + 2 * n]! | (blocks[at + 49 + 2 * n]! << 8);
      const d = HALF[(word(0) >> 12) | ((word(1) >> 12) << 4) | ((word(2) >> 12) << 8) | ((word(3) >> 12) << 12)]!;
      for (let group = 0; group < 32; group++) {
        const pair = group >> 1;
        const scale = d * (2 * ((word(pair >> 2) >> (3 * (pair & 3))) & 7) + 1);
        const nibble = (blocks[at + 32 + pair]! >> (4 * (group & 1))) & 15;
        const shift = nibble & 8 ? -0.125 : 0.125;
        const point = 8 * (blocks[at + group]! | ((nibble & 7) << 8));
        for (let j = 0; j < 8; j++) out[i + 8 * group + j] = scale * (grid[point + j]! + shift);
      }
    }
  },
};
