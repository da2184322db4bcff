// A file on a server that is read by ranges and not kept: the files of a model that is converted on the way.
import { SHARD_BYTES, type ByteSource } from "../engine/base/source.ts";
import { fetchRange, probe, type RequestOptions } from "./http.ts";
import { nameOf } from "./names.ts";

/** Opens a file by its address. Reads throw as `fetchRange`: `network`, `no_ranges`, `damaged` where the file changed meanwhile. */
export async function openRemoteFile(
  url: string,
  options: RequestOptions,
): Promise<ByteSource & { readonly etag: string | null }> {
  const file = await probe(url, options);
  const { sizeBytes, etag } = file;
  const read = async (offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
    const end = Math.min(offset + length, sizeBytes);
    if (end <= offset) return new Uint8Array();
    return fetchRange(file, offset, end, { ...options, signal: signal ?? options.signal });
  };
  const shard = (index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> =>
    read(index * SHARD_BYTES, SHARD_BYTES, signal);
  return { name: nameOf(url), sizeBytes, etag, read, shard };
}
