// Q6_K: 256 weights of 6 bits in sixteen runs of 16, each with an 8-bit scale: weight = d · scale · (q - 32).
//
//   The two halves of 128 weights are alike; half h, l = 0..31:
//   byte 64h + l            lower 4 bits of weight l in the low nibble, of l + 64 in the high one
//   byte 64h + 32 + l       of l + 32, and of l + 96
//   byte 128 + 32h + l      upper 2 bits of weights l, l + 32, l + 64, l + 96, from bit 0 on
//   byte 192..207           scales, signed
//   byte 208..209           d, half
import { HALF, writeHalf } from "./half.ts";
import { nearest, scaleOnly } from "./k-search.ts";
import type { Quant } from "./quant.ts";

export const Q6_K: Quant = {
  id: 14,
  blockSize: 256,
  blockBytes: 210,
  dequantize(blocks, out) {
    for (let i = 0, at = 0; i < out.length; i += 256, at += 210) {
      const d = HALF[blocks[at + 208]! | (blocks[at + 209]! << 8)]!;
      for (let run = 0; run < 16; run++) {
        const scale = d * ((blocks[at + 192 + run]! << 24) >> 24);
        const half = run >> 3;
        const quarter = (run >> 1) & 3; // weights 32 · quarter to 32 · quarter + 31 of the half
        const l = 16 * (run & 1);
        const lower = at + 64 * half + 32 * (quarter & 1) + l;
        const upper = at + 128 + 32 * half + l;
        const nibble = 4 * (quarter >> 1);
        const pair = 2 * quarter;
        for (let j = 0; j < 16; j++) {
          const q = ((blocks[lower + j]! >> nibble) & 15) | (((blocks[upper + j]! >> pair) & 3) << 4);
          out[i + 16 * run + j] = scale * (q - 32);
        }
      }
    }
  },
  quantize(weights, out) {
    for (let i = 0, at = 0; i < weights.length; i += 256, at += 210) quantizeBlock(weights.subarray(i, i + 256), out, at);
  },
};

function quantizeBlock(weights: Float32Array, out: Uint8Array, at: number): void {
  out.fill(0, at, at + 210);
  const scales = Array.from({ length: 16 }, (_, run) => scaleOnly(weights.subarray(16 * run, 16 * run + 16)));
  const far = scales.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  if (Math.abs(far) < 1e-15) return;
  const inverse = Math.fround(-128 / far);
  const d = writeHalf(out, at + 208, Math.fround(1 / inverse));
  for (let run = 0; run < 16; run++) {
    const eightBits = Math.min(127, nearest(Math.fround(inverse * scales[run]!)));
    out[at + 192 + run] = eightBits;
    const scale = Math.fround(d * eightBits);
    for (let w = 16 * run; w < 16 * run + 16; w++) {
      // A run without a scale decodes to zeros whatever its q is.
      const q = scale ? Math.max(-32, Math.min(31, nearest(Math.fround(weights[w]! / scale)))) + 32 : 0;
      const [half, quarter, l] = [w >> 7, (w >> 5) & 3, w & 31];
      out[at + 64 * half + 32 * (quarter & 1) + l]! |= (q & 15) << (4 * (quarter >> 1));
      out[at + 128 + 32 * half + l]! |= (q >> 4) << (2 * quarter);
    }
  }
}
