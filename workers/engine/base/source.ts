// The bytes of a model file, wherever they rest: a server, a disk, IndexedDB.

/** A stored piece of a file: byte range [index * SHARD_BYTES, (index + 1) * SHARD_BYTES). */
export const SHARD_BYTES = 16 * 1024 * 1024;

/** A model file that can be read piece by piece. */
export interface ByteSource {
  /** File name, for people: "SmolLM2-135M-Instruct.Q4_1.gguf". */
  readonly name: string;
  /** Length of the file. */
  readonly sizeBytes: number;
  /**
   * Any byte range; shorter only at the end of the file. Used for the header.
   * Throws `network`, `not_found`, `no_ranges`, `cross_origin`, `unauthorized`, `aborted`.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * One whole shard, in an ArrayBuffer of its own; the last one is shorter. From the store where it is kept, else fetched
   * and stored on the way. Asking for shard i may start fetching i + 1 and further. Throws as `read`, and `damaged`, `disk_full`.
   */
  shard(index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The bytes of a shard in order as the store reads them, each piece valid until the next is asked for; null where `shard` is the way.
   * Throws `damaged`, after the last piece, where they are not what was stored: `shard` brings them again then. Of a part, bytes `from` … `to`,
   * only the length is compared.
   */
  pieces?(index: number, from?: number, to?: number): AsyncIterable<Uint8Array<ArrayBuffer>> | null;
}

/** Number of shards of a file. */
export function shardCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SHARD_BYTES);
}
