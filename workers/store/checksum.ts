// Two hashes: SHA-256 when a shard arrives, and a fast checksum for every read after that.
// Source: J. Fletcher, "An Arithmetic Checksum for Serial Transmissions", IEEE Trans. Comm. 1982; here four lanes of 32-bit words, modulo 2^32.
import { createSHA256, sha256 as sha256InWasm } from "hash-wasm";

/** SHA-256 in lower-case hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Absent on plain http: pages other than localhost.
  if (!("subtle" in crypto)) return sha256InWasm(bytes);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 of a file that comes in pieces, with a way back to an earlier state. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** The state so far, for `restore`. */
  save(): Uint8Array;
  restore(state: Uint8Array): void;
  /** Lower-case hex. The hash takes no more bytes until `restore`. */
  finish(): string;
}

/** Starts a hash of a file. */
export async function runningSha256(): Promise<RunningHash> {
  const hash = await createSHA256();
  hash.init();
  return {
    update: (bytes) => void hash.update(bytes),
    save: () => hash.save(),
    restore: (state) => void hash.load(state),
    finish: () => hash.digest("hex"),
  };
}

/** Words that are summed in one call: the compiler makes little of the loop that runs now, and all of one that is called anew. */
const STRETCH = 16384;

/**
 * Fletcher's two sums over four interleaved lanes: finds any change of one word and any two words exchanged within a lane, at several GB/s,
 * where SHA-256 would halve the speed of loading. No protection against intent.
 */
export function checksum(bytes: Uint8Array<ArrayBuffer>): string {
  const sum = new RunningChecksum();
  sum.add(bytes);
  return sum.hex;
}

/** The same of bytes that come in pieces. */
export class RunningChecksum {
  private readonly sums = Int32Array.of(1, 2, 3, 4, 0, 0, 0, 0);

  /** Adds a piece; only the last one's length may be no multiple of 16. */
  add(bytes: Uint8Array<ArrayBuffer>): void {
    const { sums } = this;
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
    const whole = words.length & ~3;
    for (let from = 0; from < whole; from += STRETCH) addStretch(words, from, Math.min(whole, from + STRETCH), sums);
    for (let i = whole * 4; i < bytes.length; i++) {
      sums[0]! += bytes[i]! + 1;
      sums[4]! += sums[0]!;
    }
  }

  /** Of all pieces so far. */
  get hex(): string {
    return Array.from(this.sums, (sum) => (sum >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

/** Adds words from … to, a multiple of four, to the lanes' sums a0 … a3 and sums of sums b0 … b3. */
function addStretch(words: Int32Array, from: number, to: number, sums: Int32Array): void {
  let a0 = sums[0]!, a1 = sums[1]!, a2 = sums[2]!, a3 = sums[3]!; // prettier-ignore
  let b0 = sums[4]!, b1 = sums[5]!, b2 = sums[6]!, b3 = sums[7]!; // prettier-ignore
  for (let i = from; i < to; i += 4) {
    b0 = (b0 + (a0 = (a0 + words[i]!) | 0)) | 0;
    b1 = (b1 + (a1 = (a1 + words[i + 1]!) | 0)) | 0;
    b2 = (b2 + (a2 = (a2 + words[i + 2]!) | 0)) | 0;
    b3 = (b3 + (a3 = (a3 + words[i + 3]!) | 0)) | 0;
  }
  sums.set([a0, a1, a2, a3, b0, b1, b2, b3]);
}
