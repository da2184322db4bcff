// Model files for tests as a ByteSource: bytes in memory, or a file on disk.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { type ByteSource, SHARD_BYTES } from "../../workers/engine/base/source.ts";

/** Bytes in memory as a model file. `shardBytes` makes shards small enough to test with. */
export function memorySource(bytes: Uint8Array<ArrayBuffer>, shardBytes = SHARD_BYTES, name = "memory.gguf"): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + length),
    shard: async (index) => bytes.slice(index * shardBytes, (index + 1) * shardBytes),
  };
}

/** A file on disk, read piece by piece. Closed with the process, or by `close`. */
export function fileSource(path: string, shardBytes = SHARD_BYTES): ByteSource & { close(): void } {
  const file = openSync(path, "r");
  const sizeBytes = fstatSync(file).size;
  const read = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, sizeBytes - offset)));
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(file, bytes, done, bytes.length - done, offset + done);
      if (count === 0) throw new Error(`${path} became shorter`);
      done += count;
    }
    return bytes;
  };
  return {
    name: basename(path),
    sizeBytes,
    read,
    shard: (index) => read(index * shardBytes, shardBytes),
    close: () => closeSync(file),
  };
}
