// Q2_K: 256 weights of 2 bits in sixteen runs of 16, each with a 4-bit scale and minimum: weight = d · scale · q - dmin · minimum.
//
//   byte 0..15    scale in the low nibble, minimum in the high one
//   byte 16..79   byte 16 + 32h + l: q of weights 128h + l, + 32, + 64, + 96, from bit 0 on
//   byte 80..81   d, half
//   byte 82..83   dmin, half
import { HALF } from "./half.ts";
import type { Quant } from "./quant.ts";

export const Q2_K: Quant = {
  id: 10,
  blockSize: 256,
  blockBytes: 84,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 84) {
      const d = HALF[blocks[at + 80]! | (blocks[at + 81]! << 8)]!;
      const dmin = HALF[blocks[at + 82]! | (blocks[at + 83]! << 8)]!;
      for (let run = 0; run < 16; run++) {
        const scale = d * (blocks[at + run]! & 15);
        const minimum = dmin * (blocks[at + run]! >> 4);
        const from = at + 16 + 32 * (run >> 3) + 16 * (run & 1);
        const shift = 2 * ((run >> 1) & 3);
        for (let j = 0; j < 16; j++) out[i + 16 * run + j] = scale * ((blocks[from + j]! >> shift) & 3) - minimum;
      }
    }
  },
};
