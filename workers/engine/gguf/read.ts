// Reads the header of a GGUF file: what the model is, and where each tensor lies.
// Source: ggml/docs/gguf.md; ggml/src/gguf.cpp for what llama.cpp refuses.
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";
import { EngineError } from "../base/errors.ts";
import type { Tensor } from "../base/model.ts";
import type { ByteSource } from "../base/source.ts";
import { withExpertsTogether } from "./experts.ts";
import { badFile, Header, truncated } from "./header.ts";
import { checkMagic } from "./magic.ts";
import { KeyValues, type Value } from "./metadata.ts";
import { readText, readValue } from "./values.ts";

const MAX_NAME = 65_535; // bytes of a key, as the format has it

/** A GGUF file without its weights. */
export interface Gguf {
  readonly version: 2 | 3;
  readonly metadata: KeyValues;
  /** By name, in the order of the file's table; offsets are those of the file. Experts that are kept apart are one tensor, and come last. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly sizeBytes: number;
}

/**
 * Reads the header from as few bytes as it takes. Every tensor is of a known type, inside the file and apart from the others.
 * Throws `not_gguf`, `truncated_file`, `bad_file`, `unsupported_tensor`, and what the source throws.
 */
export async function readGguf(source: ByteSource, signal?: AbortSignal): Promise<Gguf> {
  const header = new Header(source, signal);
  if (source.sizeBytes < 24)
    throw new EngineError("not_gguf", `This file has only ${source.sizeBytes} bytes.`, "Choose a GGUF model file.");
  await header.need(24);
  const version = checkMagic(header.bytes.subarray(0, 16));
  header.at = 8;
  const tensorCount = header.size();
  const valueCount = header.size();
  // The shortest entries there are: a tensor's 32 bytes, a value's 13.
  if (tensorCount * 32 + valueCount * 13 > header.left)
    throw badFile(`it claims ${tensorCount} tensors and ${valueCount} values`);

  const values = new Map<string, Value>();
  for (let i = 0; i < valueCount; i++) {
    const key = await readText(header, MAX_NAME);
    if (values.has(key)) throw badFile(`"${key}" is there twice`);
    values.set(key, await readValue(header));
  }
  const metadata = new KeyValues(values);
  const alignment = metadata.number("general.alignment", 32);
  if (alignment < 1 || !Number.isInteger(Math.log2(alignment))) throw badFile(`its alignment is ${alignment}`);

  const entries: Tensor[] = [];
  for (let i = 0; i < tensorCount; i++) entries.push(await readTensor(header, alignment));
  const dataStart = Math.ceil(header.at / alignment) * alignment;
  const stored = entries.map((tensor) => ({ ...tensor, offset: dataStart + tensor.offset }));
  checkPlaces(stored, source.sizeBytes);
  const tensors = withExpertsTogether(stored);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  if (byName.size < tensors.length) throw badFile("it has two tensors of the same name");
  return { version, metadata, tensors: byName, sizeBytes: source.sizeBytes };
}

/** A line of the tensor table; its offset counts from the start of the data. */
async function readTensor(header: Header, alignment: number): Promise<Tensor> {
  const name = await readText(header, MAX_NAME);
  await header.need(4);
  const dimensions = header.u32();
  if (dimensions < 1 || dimensions > 4) throw badFile(`tensor ${name} has ${dimensions} dimensions`);
  await header.need(8 * dimensions + 12);
  const extents = Array.from({ length: dimensions }, () => header.size());
  const type = typeOf(header.u32(), name);
  const offset = header.size();
  const [cols = 1, ...outer] = extents; // the first runs fastest
  const rows = outer.reduce((product, extent) => product * extent, 1);
  const { blockSize, blockBytes } = QUANTS[type];
  const sizeBytes = ((rows * cols) / blockSize) * blockBytes;
  if (cols % blockSize !== 0 || !Number.isSafeInteger(sizeBytes) || sizeBytes < 1) {
    throw badFile(`tensor ${name} of type ${type} has the extents ${extents.join(" x ")}`);
  }
  if (offset % alignment !== 0) throw badFile(`tensor ${name} starts at ${offset}, which is no multiple of ${alignment}`);
  return { name, type, rows, cols, offset, sizeBytes };
}

function checkPlaces(tensors: readonly Tensor[], fileBytes: number): void {
  const inOrder = [...tensors].sort((a, b) => a.offset - b.offset);
  const last = inOrder.at(-1);
  if (last && last.offset + last.sizeBytes > fileBytes) throw truncated(fileBytes);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, tensor] = [inOrder[i - 1]!, inOrder[i]!];
    if (before.offset + before.sizeBytes > tensor.offset) throw badFile(`tensors ${before.name} and ${tensor.name} overlap`);
  }
}

const isQuantName = (name: string): name is QuantName => name in QUANTS;
const NAMES = new Map(
  Object.keys(QUANTS)
    .filter(isQuantName)
    .map((name) => [QUANTS[name].id, name]),
);

function typeOf(id: number, tensor: string): QuantName {
  const name = NAMES.get(id);
  if (name) return name;
  throw new EngineError(
    "unsupported_tensor",
    `Tensor ${tensor} is of type ${id}, which Cria does not read.`,
    `Choose a file of the model in one of these: ${[...NAMES.values()].join(", ")}.`,
  );
}
