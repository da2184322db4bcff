// TQ2_0: 256 weights of -1, 0 or 1 in 2 bits each, and one scale: weight = d · (q - 1). For BitNet models.
//
//   byte 0..63    byte 32h + l: q of weights 128h + l, + 32, + 64, + 96, from bit 0 on
//   byte 64..65   d, half
import { HALF } from "./half.ts";
import type { Quant } from "./quant.ts";

export const TQ2_0: Quant = {
  id: 35,
  blockSize: 256,
  blockBytes: 66,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 66) {
      const d = HALF[blocks[at + 64]! | (blocks[at + 65]! << 8)]!;
      for (let w = 0; w < 256; w++) {
        const byte = blocks[at + 32 * (w >> 7) + (w & 31)]!;
        out[i + w] = d * (((byte >> (2 * ((w >> 5) & 3))) & 3) - 1);
      }
    }
  },
};
