// What every tensor type of a GGUF file has to say of itself.
// Source: ggml/src/ggml-common.h and ggml-quants.c (struct layouts and arithmetic).

/** One tensor type: its block layout, and the reference that unpacks it. */
export interface Quant {
  /** The type's number in a GGUF tensor table. */
  readonly id: number;
  /** Weights in a block. */
  readonly blockSize: number;
  /** Bytes of a block. */
  readonly blockBytes: number;
  /**
   * Unpacks whole blocks: out[i] is weight i. `blocks` holds out.length / blockSize blocks and may start at any
   * byte offset of its buffer.
   */
  dequantize(blocks: Uint8Array, out: Float32Array): void;
  /**
   * Packs weights as llama.cpp's reference does, where we need it. weights.length is a multiple of blockSize; out has
   * weights.length / blockSize blocks.
   */
  quantize?(weights: Float32Array, out: Uint8Array): void;
}
