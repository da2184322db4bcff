// TQ1_0: 256 weights of -1, 0 or 1, five to a byte, and one scale: weight = d · (digit - 1). For BitNet models.
//
//   byte 0..31    digits n = 0..4 are weights 32n + l
//   byte 32..47   digits n = 0..4 are weights 160 + 16n + l
//   byte 48..51   digits n = 0..3 are weights 240 + 4n + l
//   byte 52..53   d, half
//
// A byte holds the fraction 0.d0 d1 d2 d3 d4 to base 3, times 256, rounded up: digit n is the integer part after n + 1 multiplications by 3.
import { HALF } from "./half.ts";
import type { Quant } from "./quant.ts";

const POWERS = [1, 3, 9, 27, 81] as const;

export const TQ1_0: Quant = {
  id: 34,
  blockSize: 256,
  blockBytes: 54,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 54) {
      const d = HALF[blocks[at + 52]! | (blocks[at + 53]! << 8)]!;
      digits(blocks, at, 32, 5, d, out, i);
      digits(blocks, at + 32, 16, 5, d, out, i + 160);
      digits(blocks, at + 48, 4, 4, d, out, i + 240);
    }
  },
};

function digits(blocks: Uint8Array, at: number, bytes: number, count: number, d: number, out: Float32Array, first: number): void {
  for (let n = 0; n < count; n++) {
    const power = POWERS[n]!;
    for (let l = 0; l < bytes; l++) {
      const fraction = (blocks[at + l]! * power) & 255;
      out[first + bytes * n + l] = d * (((fraction * 3) >> 8) - 1);
    }
  }
}
