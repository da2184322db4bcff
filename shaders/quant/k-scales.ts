// The packed scales of Q4_K and Q5_K: eight 6-bit scales and eight 6-bit minimums, A..H and a..h, in 12 bytes.
// Source: ggml/src/ggml-quants.c, get_scale_min_k4.
//
//   byte  0..3    EEAAAAAA FFBBBBBB GGCCCCCC HHDDDDDD
//   byte  4..7    eeaaaaaa ffbbbbbb ggcccccc hhdddddd
//   byte  8..11   eeeeEEEE ffffFFFF ggggGGGG hhhhHHHH
//
// The upper two bits of E..H and e..h stand above A..D and a..d.

/** Scale of run j (0 to 7) of 32 weights. */
export function scaleOf(bytes: Uint8Array, at: number, j: number): number {
  return j < 4 ? bytes[at + j]! & 63 : (bytes[at + j + 4]! & 15) | ((bytes[at + j - 4]! >> 6) << 4);
}

/** Minimum of run j (0 to 7) of 32 weights. */
export function minimumOf(bytes: Uint8Array, at: number, j: number): number {
  return j < 4 ? bytes[at + j + 4]! & 63 : (bytes[at + j + 4]! >> 4) | ((bytes[at + j]! >> 6) << 4);
}

/** Packs eight scales and eight minimums, each 0 to 63. */
export function packScales(out: Uint8Array, at: number, scales: ArrayLike<number>, minimums: ArrayLike<number>): void {
  for (let j = 0; j < 4; j++) {
    out[at + j] = scales[j]! | ((scales[j + 4]! >> 4) << 6);
    out[at + j + 4] = minimums[j]! | ((minimums[j + 4]! >> 4) << 6);
    out[at + j + 8] = (scales[j + 4]! & 15) | ((minimums[j + 4]! & 15) << 4);
  }
}
