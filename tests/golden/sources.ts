// Model files for tests as a ByteSource: bytes in memory, or a file on disk.
import { type ByteSource, SHARD_BYTES } from "../../workers/engine/base/source.ts";

export { fileSource } from "../../web/cli/file-source.ts";

/** Bytes in memory as a model file. `shardBytes` makes shards small enough to test with. */
export function memorySource(bytes: Uint8Array<ArrayBuffer>, shardBytes = SHARD_BYTES, name = "memory.gguf"): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + length),
    shard: async (index) => bytes.slice(index * shardBytes, (index + 1) * shardBytes),
  };
}
