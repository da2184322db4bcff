// Bytes for the writers of published formats.

export type Bytes = Uint8Array<ArrayBuffer>;

/** One after the other. */
export function join(...pieces: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** An integer of so many bytes, the lowest first. */
export function little(value: number, width: number): Bytes {
  return Uint8Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256);
}

/** An integer of so many bytes, the highest first. */
export function big(value: number, width: number): Bytes {
  return little(value, width).reverse();
}

export function f32(value: number): Bytes {
  return new Uint8Array(Float32Array.of(value).buffer);
}
