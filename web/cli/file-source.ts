// A file on disk as the bytes of a model, for what runs in Node.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { SHARD_BYTES, type ByteSource } from "../../workers/engine/base/source.ts";

/** Opens a file, read piece by piece. Closed with the process, or by `close`. `shardBytes` makes shards small enough to test with. */
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
