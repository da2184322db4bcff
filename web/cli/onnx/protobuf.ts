// Just enough of protobuf to write it: fields in order, nothing that has to be patched afterwards.
// Source: protobuf.dev/programming-guides/encoding.

/** Pieces of a message, joined only when it is written: weights are not copied on the way. */
export type Message = readonly Uint8Array[];

/** A number, or a flag: wire type 0. Negative ones have ten bytes. */
export function integer(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(BigInt(field * 8)), ...varint(BigInt(value))]);
}

/** A 32-bit float: wire type 5. */
export function float(field: number, value: number): Uint8Array {
  return new Uint8Array([...varint(BigInt(field * 8 + 5)), ...new Uint8Array(Float32Array.of(value).buffer)]);
}

export function text(field: number, value: string): Message {
  return message(field, [new TextEncoder().encode(value)]);
}

/** Bytes or another message: wire type 2. */
export function message(field: number, pieces: Message): Message {
  return [Uint8Array.from([...varint(BigInt(field * 8 + 2)), ...varint(BigInt(lengthOf(pieces)))]), ...pieces];
}

export function lengthOf(pieces: Message): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** All pieces as one. */
export function joined(pieces: Message): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(lengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}
