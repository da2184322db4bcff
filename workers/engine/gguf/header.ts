// The bytes at the head of a GGUF file, fetched as far as they are read.
import { EngineError } from "../base/errors.ts";
import type { ByteSource } from "../base/source.ts";

const FIRST_READ = 1024 * 1024; // holds the whole header of most models up to 50,000 tokens
const MAX_HEADER = 128 * 1024 * 1024; // the longest known, of 256,000 tokens, is under 20 MiB

/** A place in the header that moves on with every value read. Each value must be waited for (`need`) before it is read. */
export class Header {
  /** Position of the next value in the file. */
  at = 0;
  /** The file from its start, as far as it is here. Another array after `need`. */
  bytes = new Uint8Array();
  private view = new DataView(new ArrayBuffer(0));
  private available = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** True where the next `count` bytes can be read at once. */
  has(count: number): boolean {
    return this.at + count <= this.available;
  }

  /** Fetches until `has(count)`; the amount doubles every time. Throws `truncated_file` where the file ends, `bad_file` where no header is so long. */
  async need(count: number): Promise<void> {
    while (!this.has(count)) {
      const end = this.at + count;
      if (end > this.source.sizeBytes) throw truncated(this.source.sizeBytes);
      if (end > MAX_HEADER) throw badFile(`its header claims to be longer than ${MAX_HEADER / 2 ** 20} MiB`);
      const wanted = Math.max(end - this.available, this.available, FIRST_READ);
      const more = await this.source.read(this.available, Math.min(wanted, this.source.sizeBytes - this.available), this.signal);
      if (more.length === 0) throw truncated(this.available);
      if (this.available + more.length > this.bytes.length) {
        const larger = new Uint8Array(Math.max(this.available + more.length, 2 * this.bytes.length));
        larger.set(this.bytes.subarray(0, this.available));
        this.bytes = larger;
        this.view = new DataView(larger.buffer);
      }
      this.bytes.set(more, this.available);
      this.available += more.length;
    }
  }

  /** Bytes of the file from here to its end. */
  get left(): number {
    return this.source.sizeBytes - this.at;
  }

  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  /** A 64-bit count, length or offset. Throws `bad_file` beyond 2^53, more than any file has. */
  size(): number {
    this.at += 8;
    const size = this.view.getUint32(this.at - 8, true) + this.view.getUint32(this.at - 4, true) * 2 ** 32;
    if (!Number.isSafeInteger(size)) throw badFile(`it has a length of ${size} at byte ${this.at - 8}`);
    return size;
  }

  /** A number of one of GGUF's types; 64-bit integers are rounded to 53 bits. */
  number(type: NumberType): number {
    const at = this.at;
    this.at += NUMBER_BYTES[type];
    switch (type) {
      case "u8":
      case "flag":
        return this.view.getUint8(at);
      case "i8":
        return this.view.getInt8(at);
      case "u16":
        return this.view.getUint16(at, true);
      case "i16":
        return this.view.getInt16(at, true);
      case "u32":
        return this.view.getUint32(at, true);
      case "i32":
        return this.view.getInt32(at, true);
      case "f32":
        return this.view.getFloat32(at, true);
      case "f64":
        return this.view.getFloat64(at, true);
      case "u64":
        return Number(this.view.getBigUint64(at, true));
      case "i64":
        return Number(this.view.getBigInt64(at, true));
    }
  }
}

/** Bytes of each number type. */
export const NUMBER_BYTES = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, flag: 1, u64: 8, i64: 8, f64: 8 } as const;

export type NumberType = keyof typeof NUMBER_BYTES;

/** The file contradicts itself; `what` goes on after "This GGUF file is damaged: ". */
export function badFile(what: string): EngineError {
  return new EngineError(
    "bad_file",
    `This GGUF file is damaged: ${what}.`,
    "Download it again, or choose another file of the model.",
  );
}

/** The file ends at byte `end`, in the middle of something. */
export function truncated(end: number): EngineError {
  return new EngineError(
    "truncated_file",
    `This GGUF file ends too early, after ${end.toLocaleString("en")} bytes.`,
    "The download was probably cut short: download it again.",
  );
}
