// F32: IEEE single precision, little-endian.
import type { Quant } from "./quant.ts";

export const F32: Quant = {
  id: 0,
  blockSize: 1,
  blockBytes: 4,
  dequantize(blocks, out) {
    // Bytes to bytes, as `blocks` may not be aligned. Every machine that runs WASM or WebGPU is little-endian.
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(blocks.subarray(0, out.byteLength));
  },
  quantize(weights, out) {
    out.set(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
  },
};
