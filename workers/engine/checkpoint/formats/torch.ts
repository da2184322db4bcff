// PyTorch files (.pth, .bin, .pt): the tensors of a state dict, wherever its storages lie.
// Source: PyTorch torch/serialization.py: _save and _load (zip), _legacy_save and _legacy_load (a row of pickles, then storages).
import type { ByteSource } from "../../base/source.ts";
import { EngineError } from "../../base/errors.ts";
import { cutShort, damaged } from "./errors.ts";
import { unpickle, type Unpickled } from "./pickle.ts";
import { PickleDict, PickleList, PickleStorage, PickleTensor, type PickleValue } from "./pickle-values.ts";
import { MOST_HEADER_BYTES, regionOf, type Region } from "./region.ts";
import { Desk, floatBytes, type FloatType, type StoredTensor, viewTensor } from "./stored.ts";
import { Zip } from "./zip.ts";

/** Storage classes that hold weights. */
const FLOATS: Readonly<Record<string, FloatType>> = { Float: "F32", Half: "F16", BFloat16: "BF16" };
/** Bytes of an element of each storage class. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  Float: 4, Half: 2, BFloat16: 2, Double: 8, Long: 8, Int: 4, Short: 2, Char: 1, Byte: 1, Bool: 1,
}; // prettier-ignore
/** First pickle of files from before PyTorch 1.6, and the second. */
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const FIRST_READ = 1024 * 1024;
/** Where state dicts are found in a checkpoint that holds more than one. */
const WRAPPERS = ["model", "state_dict", "module"];

/** A PyTorch file, its weights unread. */
export interface TorchFile {
  /** Tensors of floats by name, in the order of the file. Those of other numbers are left out: no weight is one. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** All that was pickled. */
  readonly value: PickleValue;
}

/** Whether a file starts as PyTorch's do. */
export function looksLikeTorch(first: Uint8Array): boolean {
  return isZip(first) || isLegacy(first);
}

/** Reads what is in a PyTorch file but its weights. Nothing in it is run. Throws `bad_file`, `truncated_file`, `unsupported_tensor`. */
export async function readTorch(source: ByteSource, signal?: AbortSignal): Promise<TorchFile> {
  const first = await regionOf(source).read(0, Math.min(16, source.sizeBytes), signal);
  if (isZip(first)) return readZip(source, signal);
  if (isLegacy(first)) return readLegacy(source, signal);
  throw damaged(source.name, "it is no PyTorch file");
}

function isZip(first: Uint8Array): boolean {
  return first[0] === 0x50 && first[1] === 0x4b && first[2] === 3 && first[3] === 4;
}

function isLegacy(first: Uint8Array): boolean {
  return first[0] === 0x80 && LEGACY_MAGIC.every((byte, i) => first[i + 2] === byte);
}

async function readZip(source: ByteSource, signal?: AbortSignal): Promise<TorchFile> {
  const zip = await Zip.open(source, signal);
  const pickleName = zip.names.find((name) => /(^|\/)data\.pkl$/.test(name));
  if (pickleName === undefined) throw damaged(source.name, "the archive has no data.pkl, so PyTorch did not write it");
  const folder = pickleName.slice(0, -"data.pkl".length);
  const order = await zip.member(`${folder}byteorder`, signal);
  if (order && new TextDecoder().decode(await order.read(0, Math.min(order.sizeBytes, 8), signal)) === "big") {
    throw damaged(source.name, "it was written by a big-endian machine");
  }
  const pickle = await zip.member(pickleName, signal);
  if (!pickle || pickle.sizeBytes > MOST_HEADER_BYTES) throw damaged(source.name, "its data.pkl is too long");
  const unpickled = unpickle(source.name, await pickle.read(0, pickle.sizeBytes, signal));
  if (!unpickled) throw damaged(source.name, "its data.pkl breaks off");
  const region = async (storage: PickleStorage): Promise<Region> => {
    const member = await zip.member(`${folder}data/${storage.key}`, signal);
    if (member) return member;
    throw damaged(source.name, `it lacks the storage ${storage.key}`);
  };
  return { value: unpickled.value, tensors: await tensorsOf(source.name, unpickled.value, region) };
}

async function readLegacy(source: ByteSource, signal?: AbortSignal): Promise<TorchFile> {
  // Magic number, protocol, facts of the machine, the object, the storages' keys in order.
  const pickles = await readPickles(source, 5, signal);
  const [, , machine, value, keys] = pickles.map((pickle) => pickle.value);
  const storages = pickles[3]?.storages;
  if (machine instanceof PickleDict && machine.get("little_endian") === false) {
    throw damaged(source.name, "it was written by a big-endian machine");
  }
  if (value === undefined || !(keys instanceof PickleList)) throw damaged(source.name, "it does not list its storages");
  const places = new Map<string, Region>();
  let at = pickles.at(-1)!.end;
  for (const key of keys.items) {
    const storage = typeof key === "string" ? storages?.get(key) : undefined;
    if (!storage) throw damaged(source.name, "it has a storage that nothing uses");
    const count = await regionOf(source).read(at, 8, signal);
    const sizeBytes = ELEMENT_BYTES[storage.type]! * Number(new DataView(count.buffer, count.byteOffset).getBigUint64(0, true));
    if (!(sizeBytes <= source.sizeBytes)) throw damaged(source.name, `its storage ${storage.key} claims ${sizeBytes} bytes`);
    if (at + 8 + sizeBytes > source.sizeBytes) throw cutShort(source.name, source.sizeBytes);
    places.set(storage.key, regionOf(source, at + 8, sizeBytes));
    at += 8 + sizeBytes;
  }
  const region = (storage: PickleStorage): Promise<Region> => {
    const place = places.get(storage.key);
    if (place) return Promise.resolve(place);
    throw damaged(source.name, `it lacks the storage ${storage.key}`);
  };
  return { value, tensors: await tensorsOf(source.name, value, region) };
}

/** The pickles at the head of a file, read as far as they reach: the amount doubles every time. */
async function readPickles(source: ByteSource, count: number, signal?: AbortSignal): Promise<Unpickled[]> {
  for (let wanted = FIRST_READ; ; wanted *= 2) {
    const length = Math.min(wanted, source.sizeBytes, MOST_HEADER_BYTES);
    const head = await regionOf(source).read(0, length, signal);
    const pickles: Unpickled[] = [];
    while (pickles.length < count) {
      const next = unpickle(source.name, head, pickles.at(-1)?.end ?? 0);
      if (!next) break;
      pickles.push(next);
    }
    if (pickles.length === count) return pickles;
    if (length < wanted) throw cutShort(source.name, source.sizeBytes);
  }
}

async function tensorsOf(
  file: string,
  value: PickleValue,
  region: (storage: PickleStorage) => Promise<Region>,
): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  const regions = new Map<string, Region>(); // storages may be shared
  const desk = new Desk();
  for (const [name, { storage, offset, extents, strides }] of tensorsIn(value)) {
    const type = FLOATS[storage.type];
    if (!type) {
      if (storage.type === "Double") throw unsupported(file, name);
      continue;
    }
    const place = regions.get(storage.key) ?? (await region(storage));
    regions.set(storage.key, place);
    if (storage.elements * floatBytes(type) > place.sizeBytes) {
      throw damaged(
        file,
        `tensor ${name} is stored in ${storage.elements} elements, of which ${place.sizeBytes} bytes are there`,
      );
    }
    tensors.set(name, viewTensor(name, place, { type, extents, strides, offset: storage.offset + offset }, desk));
  }
  return tensors;
}

/** The state dict: the object itself, or what it holds under one of the usual keys. */
function tensorsIn(value: PickleValue): Map<string, PickleTensor> {
  const tensors = new Map<string, PickleTensor>();
  if (!(value instanceof PickleDict)) return tensors;
  for (const [key, item] of value.entries) if (typeof key === "string" && item instanceof PickleTensor) tensors.set(key, item);
  if (tensors.size > 0) return tensors;
  const inner = WRAPPERS.map((key) => value.get(key)).find((item) => item instanceof PickleDict && item !== value);
  for (const [key, item] of inner instanceof PickleDict ? inner.entries : []) {
    if (typeof key === "string" && item instanceof PickleTensor) tensors.set(key, item);
  }
  return tensors;
}

function unsupported(file: string, name: string): EngineError {
  return new EngineError(
    "unsupported_tensor",
    `${file} has the tensor ${name} in 64-bit floats.`,
    "Choose a copy of the model in 16 or 32 bits.",
  );
}
