// A run of bytes inside a file, read by ranges: what every format reduces its tensors to.
import type { ByteSource } from "../../base/source.ts";
import { cutShort, damaged } from "./errors.ts";

/** Most bytes a reader takes into memory at once for what is no weights: a pickle, a JSON, a directory. */
export const MOST_HEADER_BYTES = 256 * 1024 * 1024;

/** Part of a file. */
export interface Region {
  /** File it lies in, for people. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Bytes [offset, offset + length) of the region. Throws `truncated_file` where the file is shorter, and what its source throws. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes [start, start + sizeBytes) of a file. Throws `bad_file` where they are not inside it. */
export function regionOf(source: ByteSource, start = 0, sizeBytes = source.sizeBytes): Region {
  if (!(start >= 0 && sizeBytes >= 0 && start + sizeBytes <= source.sizeBytes)) {
    throw damaged(source.name, `bytes ${start} to ${start + sizeBytes} are not in it`);
  }
  return {
    file: source.name,
    sizeBytes,
    read: async (offset, length, signal) => {
      if (!(offset >= 0 && length >= 0 && offset + length <= sizeBytes)) {
        throw damaged(source.name, `bytes ${start + offset} to ${start + offset + length} are not in it`);
      }
      const bytes = await source.read(start + offset, length, signal);
      if (bytes.length < length) throw cutShort(source.name, start + offset + bytes.length);
      return bytes;
    },
  };
}

/** The whole of a small file. Throws `bad_file` where it is larger than `most` bytes. */
export async function readWhole(
  source: ByteSource,
  signal?: AbortSignal,
  most = MOST_HEADER_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  if (source.sizeBytes > most) throw damaged(source.name, `it has ${source.sizeBytes} bytes`);
  return regionOf(source).read(0, source.sizeBytes, signal);
}
