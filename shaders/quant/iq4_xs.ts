// IQ4_XS: IQ4_NL in blocks of 256, eight runs of 32 with a 6-bit scale each: weight = d · (scale - 32) · value[q].
//
//   byte 0..1     d, half
//   byte 2..3     upper 2 bits of the scales, run r at bit 2r
//   byte 4..7     lower 4 bits, run 2n in the low nibble of byte 4 + n, run 2n + 1 in the high one
//   byte 8..135   byte 8 + 16r + j: q of weight 32r + j in the low nibble, of weight 32r + 16 + j in the high one
import { HALF } from "./half.ts";
import { IQ4_VALUES } from "./iq4_nl.ts";
import type { Quant } from "./quant.ts";

export const IQ4_XS: Quant = {
  id: 23,
  blockSize: 256,
  blockBytes: 136,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 136) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      const upper = blocks[at + 2]! | (blocks[at + 3]! << 8);
      for (let run = 0; run < 8; run++) {
        const lower = (blocks[at + 4 + (run >> 1)]! >> (4 * (run & 1))) & 15;
        const scale = d * ((lower | (((upper >> (2 * run)) & 3) << 4)) - 32);
        for (let j = 0; j < 16; j++) {
          const byte = blocks[at + 8 + 16 * run + j]!;
          out[i + 32 * run + j] = scale * IQ4_VALUES[byte & 15]!;
          out[i + 32 * run + j + 16] = scale * IQ4_VALUES[byte >> 4]!;
        }
      }
    }
  },
};
