// Codebooks of the IQ formats: a short number stands for 4 or 8 weights at once, a point of a lattice.
// Source: ggml/src/ggml-common.h (the grids), ggml-quants.c (ksigns_iq2xs).

/**
 * Unpacks a codebook at its first use: numbers of `bits` bits, lowest first, each an index into `values`. Gives the points one
 * after another.
 */
export function codebook(packed: string, bits: 2 | 4, values: readonly number[]): () => Int8Array {
  let points: Int8Array | null = null;
  return () => (points ??= unpack(packed, bits, values));
}

function unpack(packed: string, bits: 2 | 4, values: readonly number[]): Int8Array {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const perByte = 8 / bits;
  return Int8Array.from({ length: bytes.length * perByte }, (_, i) => {
    const index = (bytes[Math.floor(i / perByte)]! >> (bits * (i % perByte))) & ((1 << bits) - 1);
    return values[index]!;
  });
}

/** Signs of 8 weights (bit set: negative) in 7 bits: the eighth makes their number even. */
export const EVEN_SIGNS = Uint8Array.from({ length: 128 }, (_, seven) => {
  let parity = 0;
  for (let bit = 0; bit < 7; bit++) parity ^= (seven >> bit) & 1;
  return seven | (parity << 7);
});

/** Writes scale · points[from + j], j = 0 .. count - 1, negative where bit j of signs is set. */
export function writeSigned(
  out: Float32Array,
  at: number,
  scale: number,
  points: Int8Array,
  from: number,
  count: number,
  signs: number,
): void {
  for (let j = 0; j < count; j++) out[at + j] = (signs >> j) & 1 ? -(scale * points[from + j]!) : scale * points[from + j]!;
}
