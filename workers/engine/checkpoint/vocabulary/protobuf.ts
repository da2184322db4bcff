// The wire format of protocol buffers, as far as SentencePiece's models use it.
// Source: protobuf.dev/programming-guides/encoding.
import { damaged } from "../formats/errors.ts";

/** One field of a message: its number, and its value as a number or as bytes. */
export interface Field {
  readonly number: number;
  /** Of a varint or a 32-bit float; 0 for others. */
  readonly value: number;
  /** Of a text, bytes or a message; empty for others. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** The fields of a message, in the order of the file. Throws `bad_file` where it breaks off. */
export function* fieldsIn(file: string, message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const skip = (count: number): number => {
    if (!(count <= message.length - at)) throw damaged(file, `it breaks off at byte ${message.length} of a message`);
    at += count;
    return at - count;
  };
  /** Negative ones take ten bytes, as 64-bit integers; beyond 2^53 a number is rounded. */
  const varint = (): number => {
    let value = 0;
    for (let factor = 1, i = 0; i < 7; i++, factor *= 128) {
      const byte = message[skip(1)]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    let long = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = message[skip(1)]!;
      long += BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, long));
    }
    throw damaged(file, "it has a number of more than ten bytes");
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint(), bytes: NOTHING };
        break;
      case 1:
        skip(8);
        yield { number, value: 0, bytes: NOTHING };
        break;
      case 2: {
        const length = varint();
        const from = skip(length);
        yield { number, value: 0, bytes: message.subarray(from, from + length) };
        break;
      }
      case 5:
        yield { number, value: view.getFloat32(skip(4), true), bytes: NOTHING };
        break;
      default:
        throw damaged(file, `it has a field of the unknown kind ${tag % 8}`);
    }
  }
}
