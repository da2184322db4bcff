// safetensors: a JSON header, then the tensors, each a dense run of bytes.
// Source: huggingface/safetensors README, "Format"; src/tensor.rs for what it refuses.
import type { ByteSource } from "../../base/source.ts";
import { damaged } from "./errors.ts";
import { parseFields, type Fields } from "./json.ts";
import { regionOf } from "./region.ts";
import { denseTensor, floatBytes, type FloatType, type StoredTensor } from "./stored.ts";

const MOST_HEADER = 100_000_000; // bytes, the format's own limit
const isFloat = (type: string | null): type is FloatType => type === "F32" || type === "F16" || type === "BF16";

/** Whether a file starts as safetensors do: a length, then JSON. */
export function looksLikeSafetensors(first: Uint8Array): boolean {
  return first.length >= 9 && first[8] === 0x7b && first[7] === 0;
}

/** Tensors of floats by name, in the order of the header; those of other numbers are left out. Throws `bad_file`, `truncated_file`. */
export async function readSafetensors(source: ByteSource, signal?: AbortSignal): Promise<Map<string, StoredTensor>> {
  const whole = regionOf(source);
  const first = await whole.read(0, Math.min(8, source.sizeBytes), signal);
  if (first.length < 8) throw damaged(source.name, "it has no header");
  const length = Number(new DataView(first.buffer, first.byteOffset).getBigUint64(0, true));
  if (length > MOST_HEADER || 8 + length > source.sizeBytes) throw damaged(source.name, `its header claims ${length} bytes`);
  const header = parseFields(source.name, await whole.read(8, length, signal));
  const tensors = new Map<string, StoredTensor>();
  const taken: [number, number][] = [];
  for (const name of header.keys) {
    if (name === "__metadata__") continue;
    const entry = header.fields(name);
    const [start, end] = entry ? rangeOf(entry) : [];
    if (!entry || start === undefined || end === undefined) throw damaged(source.name, `its entry ${name} has no place`);
    taken.push([start, end]);
    const type = entry.text("dtype");
    const extents = (entry.list("shape") ?? []).filter((extent) => typeof extent === "number");
    const region = regionOf(source, 8 + length + start, end - start);
    if (!isFloat(type)) continue;
    const elements = extents.reduce((product, extent) => product * extent, 1);
    if (elements * floatBytes(type) !== end - start) {
      throw damaged(source.name, `tensor ${name} of ${extents.join(" x ")} ${type} has ${end - start} bytes`);
    }
    tensors.set(name, denseTensor(name, region, type, extents));
  }
  refuseOverlaps(source.name, taken);
  return tensors;
}

function rangeOf(entry: Fields): number[] {
  const range = (entry.list("data_offsets") ?? []).filter((at) => typeof at === "number" && Number.isSafeInteger(at) && at >= 0);
  const places = range.map(Number);
  return places.length === 2 && places[0]! <= places[1]! ? places : [];
}

function refuseOverlaps(file: string, taken: readonly [number, number][]): void {
  const inOrder = [...taken].sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < inOrder.length; i++) {
    if (inOrder[i - 1]![1] > inOrder[i]![0]) throw damaged(file, `two of its tensors share byte ${inOrder[i]![0]}`);
  }
}
