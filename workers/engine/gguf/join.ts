// A split model as one file: one header made of all files' headers, then their tensors, file after file.
// Source: llama.cpp tools/gguf-split/gguf-split.cpp, whose --merge gives the same tensors.
import { EngineError } from "../base/errors.ts";
import { SHARD_BYTES, type ByteSource } from "../base/source.ts";
import { badFile, Header } from "./header.ts";
import { checkMagic } from "./magic.ts";
import { readText, readValue } from "./values.ts";

/** A run of bytes of a joined file: of the header we made, or of one of the files. */
export type Stretch =
  | { readonly at: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly at: number; readonly part: number; readonly from: number; readonly to: number };

/** A split model that reads like one file. */
export interface JoinedSource extends ByteSource {
  /** What the file consists of, in order; zeros between. */
  readonly stretches: readonly Stretch[];
  /** The files, in order. */
  readonly parts: readonly ByteSource[];
}

/**
 * Joins the files of a split model, given in any order. Reads their headers. Throws `bad_file` where some are missing or are not of one
 * model, and what reading throws.
 */
export async function joinSplit(name: string, sources: readonly ByteSource[], signal?: AbortSignal): Promise<JoinedSource> {
  const read = await Promise.all(sources.map((source) => readPart(source, signal)));
  const parts = inOrder(name, read);
  const alignment = Math.min(...parts.map((part) => part.alignment));
  const header = writeHeader(parts, alignment);
  const stretches: Stretch[] = [{ at: 0, bytes: header }];
  let at = header.length;
  for (const [part, { dataStart, source }] of parts.entries()) {
    const length = source.sizeBytes - dataStart;
    if (length > 0) stretches.push({ at, part, from: dataStart, to: source.sizeBytes });
    at = aligned(at + length, alignment);
  }
  const last = stretches.at(-1)!;
  const sizeBytes = last.at + lengthOf(last);
  return new Joined(name, sizeBytes, stretches, parts.map(({ source }) => source)); // prettier-ignore
}

/** What a file of a split model says of itself. */
interface Part {
  readonly source: ByteSource;
  readonly version: 2 | 3;
  readonly number: number;
  readonly count: number;
  /** Tensors of all parts; null where this file doesn't say. */
  readonly tensorsInAll: number | null;
  readonly alignment: number;
  /** Key-value pairs as they are in the file, those about the splitting left out. */
  readonly values: readonly Uint8Array[];
  /** Lines of the tensor table without their offsets, which come last. */
  readonly tensors: readonly { readonly line: Uint8Array; readonly offset: number }[];
  readonly dataStart: number;
}

const DEFAULT_ALIGNMENT = 32;
/** About the splitting, or written anew. */
const LEFT_OUT = ["split.no", "split.count", "split.tensors.count", "general.alignment"];

async function readPart(source: ByteSource, signal: AbortSignal | undefined): Promise<Part> {
  const header = new Header(source, signal);
  await header.need(24);
  const version = checkMagic(header.bytes.subarray(0, 16));
  header.at = 8;
  const [tensorCount, valueCount] = [header.size(), header.size()];
  if (tensorCount * 32 + valueCount * 13 > header.left)
    throw badFile(`it claims ${tensorCount} tensors and ${valueCount} values`);
  const numbers = new Map<string, number>();
  const values: Uint8Array[] = [];
  for (let i = 0; i < valueCount; i++) {
    const start = header.at;
    const key = await readText(header);
    const value = await readValue(header);
    if (typeof value === "number") numbers.set(key, value);
    if (!LEFT_OUT.includes(key)) values.push(header.bytes.slice(start, header.at));
  }
  const tensors: Part["tensors"][number][] = [];
  for (let i = 0; i < tensorCount; i++) {
    const start = header.at;
    await readText(header);
    await header.need(4);
    const dimensions = header.u32();
    if (dimensions > 4) throw badFile(`a tensor has ${dimensions} dimensions`);
    await header.need(8 * dimensions + 12);
    header.at += 8 * dimensions + 4;
    tensors.push({ line: header.bytes.slice(start, header.at), offset: header.size() });
  }
  const alignment = numbers.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  return {
    source,
    version,
    number: numbers.get("split.no") ?? 0,
    count: numbers.get("split.count") ?? 1,
    tensorsInAll: numbers.get("split.tensors.count") ?? null,
    alignment,
    values,
    tensors,
    dataStart: Math.min(source.sizeBytes, aligned(header.at, alignment)),
  };
}

/** The parts by their own numbers, each there once. */
function inOrder(name: string, parts: readonly Part[]): Part[] {
  const sorted = [...parts].sort((a, b) => a.number - b.number);
  const count = Math.max(...parts.map((part) => part.count));
  const missing = Array.from({ length: count }, (_, number) => number).filter((number) =>
    sorted.every((part) => part.number !== number),
  );
  if (missing.length > 0)
    throw notAll(
      `${name} is split into ${count} files, and part ${missing.map((number) => number + 1).join(", ")} is not among these ${parts.length}.`,
    );
  const tensors = parts.reduce((sum, part) => sum + part.tensors.length, 0);
  const inAll = sorted[0]!.tensorsInAll ?? tensors;
  if (parts.length !== count || parts.some((part) => part.count !== count) || tensors !== inAll)
    throw notAll(
      `These ${parts.length} files are not the ${count} of one split model: they have ${tensors} tensors, and it has ${inAll}.`,
    );
  return sorted;
}

function notAll(message: string): EngineError {
  return new EngineError("bad_file", message, "Choose all files of the model together, and no others.");
}

function writeHeader(parts: readonly Part[], alignment: number): Uint8Array<ArrayBuffer> {
  const { version, values } = parts[0]!;
  const own = alignment === DEFAULT_ALIGNMENT ? [] : [alignmentValue(alignment)];
  const lines: Uint8Array[] = [];
  let base = 0;
  for (const { tensors, source, dataStart } of parts) {
    for (const { line, offset } of tensors) lines.push(line, u64(base + offset));
    base = aligned(base + source.sizeBytes - dataStart, alignment);
  }
  const head = [new TextEncoder().encode("GGUF"), u32(version), u64(lines.length / 2), u64(values.length + own.length)];
  const pieces = [...head, ...values, ...own, ...lines];
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const header = new Uint8Array(aligned(length, alignment));
  let at = 0;
  for (const piece of pieces) {
    header.set(piece, at);
    at += piece.length;
  }
  return header;
}

function alignmentValue(alignment: number): Uint8Array {
  const key = new TextEncoder().encode("general.alignment");
  const UINT32 = 4;
  return new Uint8Array([...u64(key.length), ...key, ...u32(UINT32), ...u32(alignment)]);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

function aligned(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}

function lengthOf(stretch: Stretch): number {
  return "bytes" in stretch ? stretch.bytes.length : stretch.to - stretch.from;
}

class Joined implements JoinedSource {
  /** The shard of a part that was read last: the next shard of the whole begins in it. */
  private latest: { readonly part: number; readonly index: number; readonly bytes: Uint8Array<ArrayBuffer> } | null = null;

  constructor(
    readonly name: string,
    readonly sizeBytes: number,
    readonly stretches: readonly Stretch[],
    readonly parts: readonly ByteSource[],
  ) {}

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return this.fill(offset, length, async (part, from, to) => this.parts[part]!.read(from, to - from, signal));
  }

  async shard(index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return this.fill(index * SHARD_BYTES, SHARD_BYTES, async (part, from) => {
      const shard = Math.floor(from / SHARD_BYTES);
      const bytes = await this.shardOf(part, shard, signal);
      return bytes.subarray(from - shard * SHARD_BYTES);
    });
  }

  /** Bytes of the whole, put together of what `take` gives: at least one byte of a part from `from` on. */
  private async fill(
    offset: number,
    length: number,
    take: (part: number, from: number, to: number) => Promise<Uint8Array>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const whole = new Uint8Array(Math.max(0, Math.min(length, this.sizeBytes - offset)));
    const end = offset + whole.length;
    for (const stretch of this.stretches) {
      const last = Math.min(end, stretch.at + lengthOf(stretch));
      for (let at = Math.max(offset, stretch.at); at < last;) {
        const from = at - stretch.at;
        const bytes =
          "bytes" in stretch
            ? stretch.bytes.subarray(from)
            : await take(stretch.part, stretch.from + from, stretch.from + last - stretch.at);
        if (bytes.length === 0) throw badFile("one of its parts is shorter than it was");
        const piece = bytes.subarray(0, last - at);
        whole.set(piece, at - offset);
        at += piece.length;
      }
    }
    return whole;
  }

  private async shardOf(part: number, index: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    if (this.latest?.part !== part || this.latest.index !== index)
      this.latest = { part, index, bytes: await this.parts[part]!.shard(index, signal) };
    return this.latest.bytes;
  }
}
