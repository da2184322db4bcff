// A model file from the user's disk, read in place: nothing is copied.
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES, type ByteSource } from "../engine/base/source.ts";

/** Opens a file that the user picked. Reads throw `bad_file` where the file was moved or changed meanwhile. */
export function openFile(file: File): ByteSource {
  const read = async (offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
    signal?.throwIfAborted();
    try {
      return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
    } catch (error) {
      // NotReadableError: browsers hold a reference, not a copy.
      throw new EngineError("bad_file", `${file.name} can no longer be read (${String(error)}).`, "Open the file again.");
    }
  };
  return {
    name: file.name,
    sizeBytes: file.size,
    read,
    shard: (index, signal) => read(index * SHARD_BYTES, SHARD_BYTES, signal),
  };
}

/** Key of local files for facts about them: the same name and length are taken for the same model. */
export function fileId(files: readonly File[]): string {
  const sizeBytes = files.reduce((sum, { size }) => sum + size, 0);
  return `file:${files[0]?.name ?? ""}:${String(sizeBytes)}`;
}
