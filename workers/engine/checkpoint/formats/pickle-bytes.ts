// The bytes of a pickle, taken one value after the other.
import { damaged } from "./errors.ts";

/** Thrown where the bytes end: more of them may be in the file. */
export class OutOfBytes extends Error {}

/** A place in a pickle. Every method moves on, and throws `OutOfBytes` at the end. */
export class PickleBytes {
  private readonly view: DataView;

  constructor(
    /** File the pickle is in, for people. */
    readonly file: string,
    private readonly bytes: Uint8Array,
    public at: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  /** A double, in network order. */
  f64(): number {
    return this.view.getFloat64(this.skip(8));
  }

  private skip(count: number): number {
    if (count > this.bytes.length - this.at) throw new OutOfBytes();
    this.at += count;
    return this.at - count;
  }

  u8(): number {
    return this.bytes[this.skip(1)]!;
  }

  size(width: 2 | 4 | 8): number {
    const at = this.skip(width);
    if (width === 2) return this.view.getUint16(at, true);
    if (width === 4) return this.view.getUint32(at, true);
    const size = Number(this.view.getBigUint64(at, true));
    if (!Number.isSafeInteger(size)) throw damaged(this.file, `its pickle has a length of ${size}`);
    return size;
  }

  raw(length: number): Uint8Array {
    const at = this.skip(length);
    return this.bytes.slice(at, at + length);
  }

  text(length: number): string {
    const at = this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(at, at + length));
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw new OutOfBytes();
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  decimal(opcode: number): boolean | number {
    const text = this.line();
    if (opcode === 0x49 && (text === "00" || text === "01")) return text === "01"; // protocol 0 writes True as I01
    const value = Number(opcode === 0x4c ? text.replace(/L$/, "") : text);
    if (Number.isNaN(value)) throw damaged(this.file, `its pickle has the number ${JSON.stringify(text.slice(0, 20))}`);
    return value;
  }

  /** A two's complement integer of so many bytes; beyond 2^53 it is rounded. */
  long(length: number): number {
    const digits = this.raw(length);
    let value = 0;
    for (const digit of digits.reverse()) value = value * 256 + digit;
    return length > 0 && digits[0]! >= 128 ? value - 256 ** length : value;
  }
}
