// Reads the values of the key-value section: scalars, texts, and arrays of 100,000 of them.
// Source: ggml/docs/gguf.md, "File Structure".
import { badFile, type Header, NUMBER_BYTES, type NumberType } from "./header.ts";
import type { Value } from "./metadata.ts";

/** The types of values, by their number in the file. */
const TYPES = ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "flag", "text", "array", "u64", "i64", "f64"] as const;

const MAX_ELEMENTS = 1 << 24; // of an array; vocabularies have a few hundred thousand

/** Reads a value and the number of its type before it. */
export async function readValue(header: Header): Promise<Value> {
  await header.need(4);
  const type = typeOf(header.u32());
  if (type === "text") return readText(header);
  if (type === "array") return readArray(header);
  await header.need(NUMBER_BYTES[type]);
  const number = header.number(type);
  return type === "flag" ? number !== 0 : number;
}

/** Reads a length and so many bytes of UTF-8. Throws `bad_file` where they are more than `most`. */
export async function readText(header: Header, most = Infinity): Promise<string> {
  await header.need(8);
  const length = header.size();
  if (length > most) throw badFile(`it has a name of ${length} bytes`);
  await header.need(length);
  header.at += length;
  return new TextDecoder().decode(header.bytes.subarray(header.at - length, header.at));
}

async function readArray(header: Header): Promise<Value> {
  await header.need(12);
  const type = typeOf(header.u32());
  const count = header.size();
  if (type === "array") throw badFile("it has an array of arrays");
  const leastBytes = type === "text" ? 8 : NUMBER_BYTES[type];
  if (count > MAX_ELEMENTS || count * leastBytes > header.left) throw badFile(`it claims an array of ${count} elements`);
  return type === "text" ? readTexts(header, count) : readNumbers(header, type, count);
}

async function readNumbers(header: Header, type: NumberType, count: number): Promise<Float64Array> {
  await header.need(count * NUMBER_BYTES[type]);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = header.number(type);
  return numbers;
}

/** Texts are found first and decoded at once: a call of TextDecoder for each took four times as long. */
async function readTexts(header: Header, count: number): Promise<string[]> {
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    if (!header.has(8)) await header.need(8);
    const length = header.size();
    if (!header.has(length)) await header.need(length);
    starts[i] = header.at;
    header.at += length;
    ends[i] = header.at;
  }
  return decodeTogether(header.bytes, starts, ends) ?? decodeEach(header.bytes, starts, ends);
}

/** Decodes the texts as lines of one long text. Null where they are no proper UTF-8, as the lines then end elsewhere. */
function decodeTogether(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array): string[] | null {
  const lines = new Uint8Array(starts.reduce((sum, start, i) => sum + ends[i]! - start + 1, 0));
  const lengths = new Uint32Array(starts.length); // in UTF-16 units
  let to = 0;
  for (let i = 0; i < starts.length; i++) {
    let units = 0;
    for (let from = starts[i]!; from < ends[i]!; from++) {
      const byte = bytes[from]!;
      lines[to++] = byte;
      if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    lengths[i] = units;
    lines[to++] = NEWLINE;
  }
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(lines);
  const texts: string[] = [];
  let at = 0;
  for (const length of lengths) {
    texts.push(text.slice(at, at + length));
    at += length;
    if (text.charCodeAt(at++) !== NEWLINE) return null;
  }
  return at === text.length ? texts : null;
}

const NEWLINE = 10;

function decodeEach(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array): string[] {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return Array.from(starts, (start, i) => decoder.decode(bytes.subarray(start, ends[i])));
}

function typeOf(number: number): (typeof TYPES)[number] {
  const type = TYPES[number];
  if (!type) throw badFile(`it has a value of the unknown type ${number}`);
  return type;
}
