// MXFP4: 32 4-bit floats and one power of two, weight = 2^(e - 127) · fp4. Source: OCP Microscaling Formats (MX) 1.0.
//
//   byte 0       e, biased exponent
//   byte 1..16   byte 1 + j: weight j in the low nibble, weight j + 16 in the high one
import { FP4_DOUBLED } from "./fp4.ts";
import type { Quant } from "./quant.ts";

export const MXFP4: Quant = {
  id: 39,
  blockSize: 32,
  blockBytes: 17,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 32, at += 17) {
      const d = 2 ** (blocks[at]! - 128); // the values are doubled
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 1 + j]!;
        out[i + j] = d * FP4_DOUBLED[byte & 15]!;
        out[i + j + 16] = d * FP4_DOUBLED[byte >> 4]!;
      }
    }
  },
};
