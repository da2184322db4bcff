// NVFP4: 64 4-bit floats in four runs of 16, each with an 8-bit float as scale: weight = scale · fp4.
//
//   byte 0..3      scales, unsigned: exponent 4 (bias 7) above mantissa 3; 127 is no number and counts as 0
//   byte 4 + 8r + j   run r, j = 0..7: weight j in the low nibble, weight j + 8 in the high one
import { FP4_DOUBLED } from "./fp4.ts";
import type { Quant } from "./quant.ts";

export const NVFP4: Quant = {
  id: 40,
  blockSize: 64,
  blockBytes: 36,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 64, at += 36) {
      for (let run = 0; run < 4; run++) {
        const d = HALVED_SCALES[blocks[at + run]!]!;
        for (let j = 0; j < 8; j++) {
          const byte = blocks[at + 4 + 8 * run + j]!;
          out[i + 16 * run + j] = d * FP4_DOUBLED[byte & 15]!;
          out[i + 16 * run + j + 8] = d * FP4_DOUBLED[byte >> 4]!;
        }
      }
    }
  },
};

/** Half the value of every scale, as the 4-bit values are doubled. The upper bit is not looked at. */
const HALVED_SCALES = Float32Array.from({ length: 256 }, (_, bits) => {
  const exponent = (bits >> 3) & 15;
  const mantissa = bits & 7;
  if (bits === 127) return 0;
  return (exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7)) / 2;
});
