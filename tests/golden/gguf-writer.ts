// Writes GGUF files for tests and benchmarks: the same input gives the same bytes.
// Source: ggml/docs/gguf.md.
import { closeSync, openSync, writeSync } from "node:fs";
import { QUANTS, type QuantName } from "../../shaders/quant/index.ts";

/** A value and its type in the file. */
export type Entry =
  | { readonly type: "u32" | "i32" | "f32" | "u64" | "flag"; readonly value: number }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "texts"; readonly value: readonly string[] }
  | { readonly type: "f32s" | "i32s"; readonly value: ArrayLike<number> };

export const u32 = (value: number): Entry => ({ type: "u32", value });
export const f32 = (value: number): Entry => ({ type: "f32", value });
export const flag = (value: boolean): Entry => ({ type: "flag", value: value ? 1 : 0 });
export const text = (value: string): Entry => ({ type: "text", value });
export const texts = (value: readonly string[]): Entry => ({ type: "texts", value });
export const f32s = (value: ArrayLike<number>): Entry => ({ type: "f32s", value });
export const i32s = (value: ArrayLike<number>): Entry => ({ type: "i32s", value });

/** A tensor to write: `extents` fastest first, `bytes` its blocks, made when they are asked for. */
export interface NewTensor {
  readonly name: string;
  readonly type: QuantName;
  readonly extents: readonly number[];
  readonly bytes: () => Uint8Array;
}

export interface NewGguf {
  readonly metadata: Readonly<Record<string, Entry>>;
  /** Entries of another file, as they stand there, before `metadata`. */
  readonly copied?: { readonly count: number; readonly bytes: Uint8Array };
  readonly tensors: readonly NewTensor[];
  /** Default 3. */
  readonly version?: number;
  /** Default 32; another one is also written as general.alignment. */
  readonly alignment?: number;
}

/** A whole file in memory. */
export function ggufBytes(gguf: NewGguf): Uint8Array<ArrayBuffer> {
  const pieces = [...piecesOf(gguf)];
  const file = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
}

/** A file on disk, one tensor in memory at a time. */
export function writeGguf(path: string, gguf: NewGguf): void {
  const file = openSync(path, "w");
  try {
    for (const piece of piecesOf(gguf)) for (let at = 0; at < piece.length;) at += writeSync(file, piece, at);
  } finally {
    closeSync(file);
  }
}

/** Bytes of a tensor of this type and extents. */
export function tensorBytes(type: QuantName, extents: readonly number[]): number {
  const { blockSize, blockBytes } = QUANTS[type];
  return (extents.reduce((product, extent) => product * extent, 1) / blockSize) * blockBytes;
}

function* piecesOf(gguf: NewGguf): Generator<Uint8Array> {
  const { tensors, copied, version = 3, alignment = 32 } = gguf;
  const metadata = alignment === 32 ? gguf.metadata : { ...gguf.metadata, "general.alignment": u32(alignment) };
  const out = new Writer();
  out.text("GGUF", false);
  out.u32(version);
  out.u64(tensors.length);
  out.u64(Object.keys(metadata).length + (copied?.count ?? 0));
  if (copied) out.raw(copied.bytes);
  for (const [key, entry] of Object.entries(metadata)) {
    out.text(key);
    out.entry(entry);
  }
  let offset = 0;
  for (const { name, type, extents } of tensors) {
    out.text(name);
    out.u32(extents.length);
    for (const extent of extents) out.u64(extent);
    out.u32(QUANTS[type].id);
    out.u64(offset);
    offset += up(tensorBytes(type, extents), alignment);
  }
  const header = out.done();
  yield header;
  yield new Uint8Array(up(header.length, alignment) - header.length);
  for (const { name, type, extents, bytes } of tensors) {
    const blocks = bytes();
    if (blocks.length !== tensorBytes(type, extents)) throw new Error(`${name} has ${blocks.length} bytes`);
    yield blocks;
    yield new Uint8Array(up(blocks.length, alignment) - blocks.length);
  }
}

const up = (size: number, alignment: number): number => Math.ceil(size / alignment) * alignment;

const TYPE = { u32: 4, i32: 5, f32: 6, flag: 7, text: 8, array: 9, u64: 10 } as const;

class Writer {
  private bytes = new Uint8Array(1 << 16);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  u32(value: number): void {
    this.room(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  u64(value: number): void {
    this.u32(value % 2 ** 32);
    this.u32(Math.floor(value / 2 ** 32));
  }

  text(value: string, counted = true): void {
    const utf8 = new TextEncoder().encode(value);
    if (counted) this.u64(utf8.length);
    this.raw(utf8);
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  entry(entry: Entry): void {
    switch (entry.type) {
      case "texts":
        this.array(TYPE.text, entry.value.length);
        for (const value of entry.value) this.text(value);
        return;
      case "f32s":
      case "i32s": {
        const type = entry.type === "f32s" ? "f32" : "i32";
        this.array(TYPE[type], entry.value.length);
        for (let i = 0; i < entry.value.length; i++) this.scalar(type, entry.value[i]!);
        return;
      }
      case "text":
        this.u32(TYPE.text);
        return this.text(entry.value);
      default:
        this.u32(TYPE[entry.type]);
        return this.scalar(entry.type, entry.value);
    }
  }

  done(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private array(type: number, count: number): void {
    this.u32(TYPE.array);
    this.u32(type);
    this.u64(count);
  }

  private scalar(type: "u32" | "i32" | "f32" | "u64" | "flag", value: number): void {
    if (type === "u64") return this.u64(value);
    this.room(4);
    if (type === "u32") this.view.setUint32(this.length, value, true);
    if (type === "i32") this.view.setInt32(this.length, value, true);
    if (type === "f32") this.view.setFloat32(this.length, value, true);
    if (type === "flag") this.bytes[this.length] = value;
    this.length += type === "flag" ? 1 : 4;
  }

  private room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.length + count));
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}
