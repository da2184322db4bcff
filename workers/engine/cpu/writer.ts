// Writes ops into a bank: begin, records of words, end. Field offsets: assembly/words.ts.
import * as words from "./assembly/words.ts";

export class OpWriter {
  /** `at`: where the next op goes, a multiple of 64. `bytesMode`: how 8-bit codes are read. */
  constructor(
    private readonly memory: DataView,
    private readonly bytesMode: number,
    public at: number,
  ) {}

  begin(code: number): number {
    return this.record(words.OP_BYTES, [
      [words.OP_CODE, code],
      [words.OP_BYTES_MODE, this.bytesMode],
    ]);
  }

  end(op: number): void {
    this.at = Math.ceil(this.at / 64) * 64; // counters on cache lines of their own
    this.put(op + words.OP_NEXT, this.at - op);
  }

  /** The next so many bytes, all 0 but for some words. Says where they are. */
  record(bytes: number, fields: readonly (readonly [offset: number, word: number])[]): number {
    const at = this.at;
    for (let i = 0; i < bytes; i += 4) this.put(at + i, 0);
    for (const [offset, word] of fields) this.put(at + offset, word);
    this.at += bytes;
    return at;
  }

  put(at: number, word: number): void {
    this.memory.setUint32(at, word, true);
  }

  putFloat(at: number, value: number): void {
    this.memory.setFloat32(at, value, true);
  }
}

/** Units of work that so many rows are. */
export function units(rows: number): number {
  return Math.ceil(rows / words.UNIT);
}
