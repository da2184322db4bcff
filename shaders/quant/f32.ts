// F32: IEEE single precision, little-endian.
import type { Quant } from "./quant.ts";

export const F32: Quant = {
  id: 0,
  blockSize: 1,
  blockBytes: 4,
  dequantize(blocks, out) {
    const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
  },
};
