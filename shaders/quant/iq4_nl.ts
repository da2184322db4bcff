// IQ4_NL: 32 weights of 4 bits that stand for sixteen unevenly spaced values, and one scale: weight = d · value[q].
//
//   byte 0..1    d, half
//   byte 2..17   byte 2 + j: q of weight j in the low nibble, of weight j + 16 in the high one
import { HALF } from "./half.ts";
import type { Quant } from "./quant.ts";

/** The sixteen values: close to each other where weights are common. IQ4_XS has the same. */
export const IQ4_VALUES = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

export const IQ4_NL: Quant = {
  id: 20,
  blockSize: 32,
  blockBytes: 18,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 32, at += 18) {
      const d = HALF[blocks[at]! | (blocks[at + 1]! << 8)]!;
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 2 + j]!;
        out[i + j] = d * IQ4_VALUES[byte & 15]!;
        out[i + j + 16] = d * IQ4_VALUES[byte >> 4]!;
      }
    }
  },
};
