// Splits a GGUF file as llama.cpp's gguf-split does: metadata in the first file, tensors dealt out in order.
// Source: llama.cpp tools/gguf-split/gguf-split.cpp.
import { readGguf } from "../../workers/engine/gguf/read.ts";
import { ggufBytes, type NewTensor } from "./gguf-writer.ts";
import { metadataOf } from "./models.ts";
import { memorySource } from "./sources.ts";

export interface SplitOptions {
  /** As with --no-tensor-first-split. */
  readonly firstWithoutTensors?: boolean;
}

/** The files of a split model, in order. */
export async function splitGguf(whole: Uint8Array<ArrayBuffer>, count: number, options: SplitOptions = {}): Promise<Uint8Array<ArrayBuffer>[]> {
  const source = memorySource(whole);
  const { tensors } = await readGguf(source);
  const metadata = await metadataOf(source);
  const all = [...tensors.values()].map(({ name, type, rows, cols, offset, sizeBytes }): NewTensor => {
    return { name, type, extents: rows > 1 ? [cols, rows] : [cols], bytes: () => whole.subarray(offset, offset + sizeBytes) };
  });
  const files = options.firstWithoutTensors ? count - 1 : count;
  const perFile = Math.ceil(all.length / files);
  return Array.from({ length: count }, (_, number) => {
    const turn = options.firstWithoutTensors ? number - 1 : number;
    const own = splitKeys(number, count, all.length);
    const copied = number === 0 ? { count: metadata.count + 3, bytes: joined(metadata.bytes, own) } : { count: 3, bytes: own };
    return ggufBytes({ metadata: {}, copied, tensors: turn < 0 ? [] : all.slice(turn * perFile, (turn + 1) * perFile) });
  });
}

/** split.no, split.count (u16), split.tensors.count (i32). */
function splitKeys(number: number, count: number, tensors: number): Uint8Array {
  const [U16, I32] = [2, 5];
  const entry = (key: string, type: number, value: number): Buffer => {
    const bytes = Buffer.alloc(8 + key.length + 4 + (type === U16 ? 2 : 4));
    bytes.writeBigUInt64LE(BigInt(key.length));
    bytes.write(key, 8);
    bytes.writeUInt32LE(type, 8 + key.length);
    if (type === U16) bytes.writeUInt16LE(value, 12 + key.length);
    else bytes.writeInt32LE(value, 12 + key.length);
    return bytes;
  };
  return Buffer.concat([entry("split.no", U16, number), entry("split.count", U16, count), entry("split.tensors.count", I32, tensors)]);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  return Buffer.concat([first, second]);
}
