// Q3_K: 256 weights of 3 bits in sixteen runs of 16, each with a 6-bit scale: weight = d · (scale - 32) · (q - 4).
//
//   byte 0..31      byte l, bit r: third bit of weight 32 · r + l's q
//   byte 32..95     byte 32 + 32h + l: lower 2 bits of weights 128h + l, + 32, + 64, + 96, from bit 0 on
//   byte 96..107    scales A..P: IIIIAAAA JJJJBBBB … PPPPHHHH (8 bytes), then MMIIEEAA NNJJFFBB OOKKGGCC PPLLHHDD
//   byte 108..109   d, half
import { HALF } from "./half.ts";
import type { Quant } from "./quant.ts";

export const Q3_K: Quant = {
  id: 11,
  blockSize: 256,
  blockBytes: 110,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 110) {
      const d = HALF[blocks[at + 108]! | (blocks[at + 109]! << 8)]!;
      for (let run = 0; run < 16; run++) {
        const lower = (blocks[at + 96 + (run & 7)]! >> (4 * (run >> 3))) & 15;
        const upper = (blocks[at + 104 + (run & 3)]! >> (2 * (run >> 2))) & 3;
        const scale = d * ((lower | (upper << 4)) - 32);
        const l = 16 * (run & 1);
        const from = at + 32 + 32 * (run >> 3) + l;
        const shift = 2 * ((run >> 1) & 3);
        const bit = run >> 1;
        for (let j = 0; j < 16; j++) {
          const third = (blocks[at + l + j]! >> bit) & 1;
          const q = ((blocks[from + j]! >> shift) & 3) | (third << 2);
          out[i + 16 * run + j] = scale * (q - 4);
        }
      }
    }
  },
};
