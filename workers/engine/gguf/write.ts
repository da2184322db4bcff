// Writes the head of a GGUF file: metadata and tensor table. The weights follow it, each tensor at the place the table says.
// Source: ggml/docs/gguf.md.
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";
import type { Tensor } from "../base/model.ts";

/** A metadata value with its type in the file. */
export type Entry =
  | { readonly type: "u32" | "f32"; readonly value: number }
  | { readonly type: "flag"; readonly value: boolean }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "texts"; readonly value: readonly string[] }
  | { readonly type: "f32s" | "i32s"; readonly value: ArrayLike<number> };

export const u32 = (value: number): Entry => ({ type: "u32", value });
export const f32 = (value: number): Entry => ({ type: "f32", value });
export const flag = (value: boolean): Entry => ({ type: "flag", value });
export const text = (value: string): Entry => ({ type: "text", value });
export const texts = (value: readonly string[]): Entry => ({ type: "texts", value });
export const f32s = (value: ArrayLike<number>): Entry => ({ type: "f32s", value });
export const i32s = (value: ArrayLike<number>): Entry => ({ type: "i32s", value });

/** A tensor to be written; one row makes a vector, the matrices of several experts a third extent. */
export type Written = Pick<Tensor, "name" | "type" | "rows" | "cols"> & { readonly experts?: number | undefined };

/** The head of a file, and where its tensors go. */
export interface GgufHead {
  /** Up to the first tensor, padding included. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** In the order given, at their places in the file. */
  readonly tensors: readonly Tensor[];
  /** Of the whole file. */
  readonly sizeBytes: number;
}

const VERSION = 3;
const ALIGNMENT = 32; // the default, which need not be written
const TYPE = { u32: 4, i32: 5, f32: 6, flag: 7, text: 8, array: 9 } as const;

/** Lays a file out. The same input gives the same bytes. */
export function writeHead(metadata: ReadonlyMap<string, Entry>, tensors: readonly Written[]): GgufHead {
  const out = new Bytes();
  out.raw(new TextEncoder().encode("GGUF"));
  out.u32(VERSION);
  out.u64(tensors.length);
  out.u64(metadata.size);
  for (const [key, entry] of metadata) {
    out.text(key);
    out.entry(entry);
  }
  const places: number[] = []; // from the end of the head
  let offset = 0;
  for (const tensor of tensors) {
    out.text(tensor.name);
    const { rows, cols, experts } = tensor;
    const extents = experts ? [cols, rows / experts, experts] : rows > 1 ? [cols, rows] : [cols];
    out.u32(extents.length);
    for (const extent of extents) out.u64(extent);
    out.u32(QUANTS[tensor.type].id);
    out.u64(offset);
    places.push(offset);
    offset += aligned(bytesOf(tensor.type, tensor.rows * tensor.cols));
  }
  out.pad(ALIGNMENT);
  const bytes = out.take();
  const placed = tensors.map((tensor, i) => ({
    ...tensor,
    offset: bytes.length + places[i]!,
    sizeBytes: bytesOf(tensor.type, tensor.rows * tensor.cols),
  }));
  return { bytes, tensors: placed, sizeBytes: bytes.length + offset };
}

/** Bytes of so many weights. */
function bytesOf(type: QuantName, weights: number): number {
  const { blockSize, blockBytes } = QUANTS[type];
  return (weights / blockSize) * blockBytes;
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

/** Bytes that grow. */
class Bytes {
  private bytes = new Uint8Array(1 << 20);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  u32(value: number): void {
    this.view.setUint32(this.room(4), value, true);
  }

  u64(value: number): void {
    this.view.setBigUint64(this.room(8), BigInt(value), true);
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.room(bytes.length));
  }

  text(value: string): void {
    const utf8 = new TextEncoder().encode(value);
    this.u64(utf8.length);
    this.raw(utf8);
  }

  entry(entry: Entry): void {
    switch (entry.type) {
      case "texts":
        this.array(TYPE.text, entry.value.length);
        for (const value of entry.value) this.text(value);
        return;
      case "f32s":
      case "i32s": {
        const floats = entry.type === "f32s";
        this.array(floats ? TYPE.f32 : TYPE.i32, entry.value.length);
        for (let i = 0; i < entry.value.length; i++) this.number(entry.value[i]!, floats);
        return;
      }
      case "text":
        this.u32(TYPE.text);
        return this.text(entry.value);
      case "flag":
        this.u32(TYPE.flag);
        return this.raw(Uint8Array.of(entry.value ? 1 : 0));
      default:
        this.u32(TYPE[entry.type]);
        return this.number(entry.value, entry.type === "f32");
    }
  }

  pad(alignment: number): void {
    this.room(Math.ceil(this.length / alignment) * alignment - this.length);
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }

  private array(type: number, count: number): void {
    this.u32(TYPE.array);
    this.u32(type);
    this.u64(count);
  }

  private number(value: number, float: boolean): void {
    if (float) this.view.setFloat32(this.room(4), value, true);
    else this.view.setInt32(this.room(4), value, true);
  }

  /** Position of so many new bytes, all zero. */
  private room(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}
