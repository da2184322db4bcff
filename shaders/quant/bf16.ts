// BF16: the upper 16 bits of a single, little-endian.
import type { Quant } from "./quant.ts";

export const BF16: Quant = {
  id: 30,
  blockSize: 1,
  blockBytes: 2,
  dequantize(blocks, out) {
    const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < words.length; i++) words[i] = (blocks[2 * i]! << 16) | (blocks[2 * i + 1]! << 24);
  },
  quantize(weights, out) {
    const words = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
    for (let i = 0; i < words.length; i++) {
      const bits = words[i]!;
      const isNaN = (bits & 0x7fffffff) > 0x7f800000;
      // Ties to even; a NaN keeps its sign and becomes a quiet one, as rounding could make it infinite.
      const upper = isNaN ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) / 65536;
      out[2 * i] = upper;
      out[2 * i + 1] = upper / 256;
    }
  },
};
