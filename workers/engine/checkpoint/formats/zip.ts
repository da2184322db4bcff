// Where the members of a zip archive lie, for archives that are stored, not compressed, as PyTorch writes them.
// Source: PKWARE APPNOTE 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 and 4.3.15 (zip64), 4.3.16 (end).
import type { ByteSource } from "../../base/source.ts";
import { damaged, refused } from "./errors.ts";
import { MOST_HEADER_BYTES, regionOf, type Region } from "./region.ts";

/** A member: what the directory says of it. */
interface Entry {
  readonly name: string;
  readonly method: number;
  readonly sizeBytes: number;
  readonly headerAt: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const MEMBER = 0x02014b50;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const IN_ZIP64 = 0xffffffff;

/** An archive's members, by name. */
export class Zip {
  private constructor(
    private readonly source: ByteSource,
    private readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  /** Reads the directory at the end of the file. Throws `bad_file`, `truncated_file`. */
  static async open(source: ByteSource, signal?: AbortSignal): Promise<Zip> {
    const directory = await findDirectory(source, signal);
    return new Zip(source, readEntries(source, directory));
  }

  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** A member's bytes; null where there is no such member. Throws `bad_file` where they are compressed or not where they should be. */
  async member(name: string, signal?: AbortSignal): Promise<Region | null> {
    const entry = this.entries.get(name);
    if (!entry) return null;
    const { source } = this;
    if (entry.method !== 0) throw refused(source.name, `its member ${name} is compressed, as no PyTorch file is`);
    const header = viewOf(await regionOf(source).read(entry.headerAt, LOCAL_BYTES, signal));
    if (header.getUint32(0, true) !== LOCAL) throw damaged(source.name, `its member ${name} does not start where it should`);
    const start = entry.headerAt + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
    return regionOf(source, start, entry.sizeBytes);
  }
}

async function findDirectory(source: ByteSource, signal?: AbortSignal): Promise<DataView> {
  const whole = regionOf(source);
  const tailAt = Math.max(0, source.sizeBytes - END_BYTES - LONGEST_COMMENT);
  const tail = viewOf(await whole.read(tailAt, source.sizeBytes - tailAt, signal));
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) throw damaged(source.name, "it has no end of a zip archive; the download was probably cut short");
  let sizeBytes = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  const locator = end - 20;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR64) {
    const record = viewOf(await whole.read(sizeAt(tail, locator + 8, source), 56, signal));
    if (record.getUint32(0, true) !== END64) throw damaged(source.name, "its zip64 directory is missing");
    sizeBytes = sizeAt(record, 40, source);
    offset = sizeAt(record, 48, source);
  }
  if (sizeBytes > MOST_HEADER_BYTES) throw damaged(source.name, `its directory claims ${sizeBytes} bytes`);
  return viewOf(await whole.read(offset, sizeBytes, signal));
}

function readEntries(source: ByteSource, directory: DataView): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const decoder = new TextDecoder();
  let at = 0;
  while (at < directory.byteLength) {
    if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== MEMBER) {
      throw damaged(source.name, `its zip directory breaks off at byte ${at}`);
    }
    const lengths = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
    const [nameBytes = 0, extraBytes = 0, commentBytes = 0] = lengths;
    const next = at + 46 + nameBytes + extraBytes + commentBytes;
    if (next > directory.byteLength) throw damaged(source.name, `its zip directory breaks off at byte ${at}`);
    const name = decoder.decode(bytesOf(directory, at + 46, nameBytes));
    if (entries.has(name)) throw damaged(source.name, `it has two members named ${name}`);
    const sizes = wideSizes(source, directory, at, at + 46 + nameBytes, extraBytes);
    entries.set(name, { name, method: directory.getUint16(at + 10, true), ...sizes });
    at = next;
  }
  return entries;
}

/** A member's size and place; those of 2^32 and more stand in the zip64 extra field, in this order, each only if it is needed. */
function wideSizes(
  source: ByteSource,
  directory: DataView,
  at: number,
  extraAt: number,
  extraBytes: number,
): Pick<Entry, "sizeBytes" | "headerAt"> {
  let sizeBytes = directory.getUint32(at + 24, true);
  const packedBytes = directory.getUint32(at + 20, true);
  let headerAt = directory.getUint32(at + 42, true);
  for (let field = extraAt; field + 4 <= extraAt + extraBytes;) {
    const id = directory.getUint16(field, true);
    const end = field + 4 + directory.getUint16(field + 2, true);
    if (end > extraAt + extraBytes) break;
    let value = field + 4;
    const next = (): number => {
      if (value + 8 > end) throw damaged(source.name, "its zip64 sizes are cut short");
      value += 8;
      return sizeAt(directory, value - 8, source);
    };
    if (id === 1) {
      if (sizeBytes === IN_ZIP64) sizeBytes = next();
      if (packedBytes === IN_ZIP64) next();
      if (headerAt === IN_ZIP64) headerAt = next();
    }
    field = end;
  }
  return { sizeBytes, headerAt };
}

function sizeAt(view: DataView, at: number, source: ByteSource): number {
  const size = Number(view.getBigUint64(at, true));
  if (size > source.sizeBytes)
    throw damaged(source.name, `it has a size of ${size} where the file has ${source.sizeBytes} bytes`);
  return size;
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}
