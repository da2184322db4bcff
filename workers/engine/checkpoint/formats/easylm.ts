// EasyLM's stream of tensors, as Koala was published: msgpack items (key, value), the value msgpack again around one array.
// Source: young-geng/EasyLM EasyLM/checkpoint.py; google/flax flax/serialization.py (ndarray is extension 1); msgpack spec.md.
import type { ByteSource } from "../../base/source.ts";
import { cutShort, damaged } from "./errors.ts";
import { regionOf } from "./region.ts";
import { denseTensor, Desk, floatBytes, type FloatType, type StoredTensor, type View, viewTensor } from "./stored.ts";

const TYPES: Readonly<Record<string, FloatType>> = { float32: "F32", float16: "F16", bfloat16: "BF16" };
const NDARRAY = 1;
const LONGEST_TEXT = 1024;
/** Read for each item's key, shape and type; the weights after them are passed over. */
const ITEM_HEAD = 4096;

/** Whether a file starts with a pair whose first part is a list of names. */
export function looksLikeEasyLm(first: Uint8Array): boolean {
  return first[0] === 0x92 && ((first[1]! & 0xf0) === 0x90 || first[1] === 0xdc) && (first[2]! & 0xe0) === 0xa0;
}

/**
 * Tensors by key, its parts joined with ".": "transformer.h.0.attention.wq.kernel". Matrices of which `isTransposed` are turned.
 * Throws `bad_file`, `truncated_file`.
 */
export async function readEasyLm(
  source: ByteSource,
  isTransposed: (key: string) => boolean,
  signal?: AbortSignal,
): Promise<Map<string, StoredTensor>> {
  const desk = new Desk();
  const tensors = new Map<string, StoredTensor>();
  for (let at = 0; at < source.sizeBytes;) {
    const length = Math.min(ITEM_HEAD, source.sizeBytes - at);
    const item = new Cursor(source, at, await regionOf(source).read(at, length, signal));
    const { key, type, extents, start, end } = readItem(source, item);
    if (tensors.has(key)) throw damaged(source.name, `it has the tensor ${key} twice`);
    const region = regionOf(source, start, end - start);
    const [rows = 0, cols = 0] = extents;
    const turned: View = { type, extents: [cols, rows], strides: [1, cols], offset: 0 };
    const turn = extents.length === 2 && isTransposed(key);
    const tensor = turn ? viewTensor(key, region, turned, desk) : denseTensor(key, region, type, extents);
    if (tensor.rows * tensor.cols * floatBytes(type) !== region.sizeBytes) {
      throw damaged(source.name, `${key} of ${extents.join(" x ")} has ${region.sizeBytes} bytes`);
    }
    tensors.set(key, tensor);
    at = end;
  }
  return tensors;
}

/** A tensor's place in the file. */
interface Item {
  readonly key: string;
  readonly type: FloatType;
  readonly extents: readonly number[];
  readonly start: number;
  readonly end: number;
}

function readItem(source: ByteSource, item: Cursor): Item {
  item.array(2);
  const parts = Array.from({ length: item.array() }, () => item.text());
  const key = parts.filter((part) => part !== "params").join(".");
  const end = item.bytesEnd();
  const { type: extension, end: innerEnd } = item.extension();
  if (extension !== NDARRAY || innerEnd !== end) throw damaged(source.name, `${key} is no array`);
  item.array(3);
  const extents = Array.from({ length: item.array() }, () => item.count());
  const type = TYPES[item.text()];
  if (!type) throw damaged(source.name, `${key} is of a type that no weight has`);
  const dataEnd = item.bytesEnd();
  if (dataEnd !== end) throw damaged(source.name, `the weights of ${key} do not end where they should`);
  return { key, type, extents, start: item.position, end };
}

/** A place in the head of an item. */
class Cursor {
  private at = 0;
  private readonly view: DataView;

  constructor(
    private readonly source: ByteSource,
    private readonly start: number,
    private readonly bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Position in the file. */
  get position(): number {
    return this.start + this.at;
  }

  /** An array's length, which has to be `expected` where that is given. */
  array(expected?: number): number {
    const tag = this.number(1);
    const length = (tag & 0xf0) === 0x90 ? tag & 15 : tag === 0xdc ? this.number(2) : -1;
    if (length < 0 || length > 16 || (expected !== undefined && length !== expected)) throw this.unexpected("a list");
    return length;
  }

  text(): string {
    const tag = this.number(1);
    const length =
      (tag & 0xe0) === 0xa0 ? tag & 31 : tag === 0xd9 || tag === 0xc4 ? this.number(1) : tag === 0xda ? this.number(2) : -1;
    if (length < 0 || length > LONGEST_TEXT) throw this.unexpected("a text");
    const at = this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(at, at + length));
  }

  count(): number {
    const tag = this.number(1);
    if (tag < 0x80) return tag;
    if (tag === 0xcc) return this.number(1);
    if (tag === 0xcd) return this.number(2);
    if (tag === 0xce) return this.number(4);
    throw this.unexpected("a number");
  }

  /** Enters bytes; gives the position where they end. Old writers called bytes text. */
  bytesEnd(): number {
    const tag = this.number(1);
    const width = { 0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4 }[tag];
    const length = (tag & 0xe0) === 0xa0 ? tag & 31 : width ? this.number(width) : -1;
    if (length < 0) throw this.unexpected("bytes");
    if (this.position + length > this.source.sizeBytes) throw cutShort(this.source.name, this.source.sizeBytes);
    return this.position + length;
  }

  /** Enters an extension; gives its type and the position where it ends. */
  extension(): { type: number; end: number } {
    const tag = this.number(1);
    const fixed = { 0xd4: 1, 0xd5: 2, 0xd6: 4, 0xd7: 8, 0xd8: 16 }[tag];
    const width = { 0xc7: 1, 0xc8: 2, 0xc9: 4 }[tag];
    if (fixed === undefined && width === undefined) throw this.unexpected("an array");
    const length = fixed ?? this.number(width!);
    const type = this.number(1);
    return { type, end: this.position + length };
  }

  private number(width: number): number {
    const at = this.skip(width);
    if (width === 1) return this.view.getUint8(at);
    return width === 2 ? this.view.getUint16(at) : this.view.getUint32(at); // msgpack is big-endian
  }

  private skip(count: number): number {
    if (this.at + count > this.bytes.length) {
      throw this.bytes.length < ITEM_HEAD ? cutShort(this.source.name, this.source.sizeBytes) : this.unexpected("a shorter item");
    }
    this.at += count;
    return this.at - count;
  }

  private unexpected(what: string): ReturnType<typeof damaged> {
    return damaged(this.source.name, `${what} was expected at byte ${this.position - 1}`);
  }
}
