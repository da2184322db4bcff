// Writes PyTorch files of both kinds: the zip archive of today, and the row of pickles from before 1.6.
import type { FloatType } from "../../../workers/engine/checkpoint/formats/stored.ts";
import { join, little, utf8, type Bytes } from "./bytes.ts";
import { integer, pickled, pickledStateDict, pickledWrapper, type PickledTensor, text, texts } from "./pickle.ts";
import { bytesOf, type StateDict } from "./weights.ts";
import { zipBytes, type ZipOptions } from "./zip.ts";

export interface TorchOptions extends ZipOptions {
  readonly type?: FloatType;
  /** Key the state dict lies under: {"model": …}. */
  readonly wrapper?: string;
}

/** torch.save(state_dict). */
export function torchZip(weights: StateDict, { type = "F32", wrapper, zip64 = false }: TorchOptions = {}): Bytes {
  const { tensors, storages } = stored(weights, type);
  return torchArchive(wrapped(pickledStateDict(tensors), wrapper), storages, { zip64 });
}

/** An archive around a pickle and its storages. */
export function torchArchive(pickle: Uint8Array, storages: ReadonlyMap<string, Uint8Array>, options: ZipOptions = {}): Bytes {
  const members = new Map<string, Uint8Array>([
    ["archive/data.pkl", pickle],
    ["archive/byteorder", utf8("little")],
  ]);
  for (const [key, bytes] of storages) members.set(`archive/data/${key}`, bytes);
  return zipBytes(members.set("archive/version", utf8("3\n")), options);
}

/** torch.save(state_dict, _use_new_zipfile_serialization=False). */
export function torchLegacy(weights: StateDict, { type = "F32", wrapper }: TorchOptions = {}): Bytes {
  const { tensors, storages } = stored(weights, type);
  const magic = join(Uint8Array.of(0x80, 2, 0x8a, 10), little(0, 0), MAGIC, utf8("."));
  const machine = join(
    utf8("}("),
    text("protocol_version"),
    integer(1001),
    text("little_endian"),
    Uint8Array.of(0x88),
    utf8("u"),
  );
  const elementBytes = type === "F32" ? 4 : 2;
  return join(
    magic,
    pickled(integer(1001)),
    pickled(machine),
    wrapped(pickledStateDict(tensors, true), wrapper),
    pickled(texts([...storages.keys()])),
    ...[...storages.values()].flatMap((bytes) => [little(bytes.length / elementBytes, 8), bytes]),
  );
}

/** 0x1950a86a20f9469cfc6c, the lowest byte first. */
const MAGIC = Uint8Array.of(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);

function wrapped(pickle: Bytes, key: string | undefined): Bytes {
  return key === undefined ? pickle : pickledWrapper(key, pickle);
}

function stored(weights: StateDict, type: FloatType): { tensors: Map<string, PickledTensor>; storages: Map<string, Bytes> } {
  const tensors = new Map<string, PickledTensor>();
  const storages = new Map<string, Bytes>();
  for (const [name, tensor] of weights) {
    const key = String(storages.size);
    const { extents } = tensor;
    const strides = extents.map((_, i) => product(extents.slice(i + 1)));
    tensors.set(name, { key, type, elements: product(extents), offset: 0, extents, strides });
    storages.set(key, bytesOf(tensor, type));
  }
  return { tensors, storages };
}

function product(values: readonly number[]): number {
  return values.reduce((all, value) => all * value, 1);
}
