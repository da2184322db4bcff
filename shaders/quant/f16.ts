// F16: IEEE half precision, little-endian.
import { HALF, writeHalf } from "./half.ts";
import type { Quant } from "./quant.ts";

export const F16: Quant = {
  id: 1,
  blockSize: 1,
  blockBytes: 2,
  dequantize(blocks, out) {
    for (let i = 0; i < out.length; i++) out[i] = HALF[blocks[2 * i]! | (blocks[2 * i + 1]! << 8)]!;
  },
  quantize(weights, out) {
    for (let i = 0; i < weights.length; i++) writeHalf(out, 2 * i, weights[i]!);
  },
};
