// Writes pickles of protocol 2 as PyTorch does: state dicts of tensors whose storages lie elsewhere.
// Source: CPython Lib/pickle.py; PyTorch torch/_utils.py, torch/serialization.py.
import type { FloatType } from "../../../workers/engine/checkpoint/formats/stored.ts";
import { join, little, utf8, type Bytes } from "./bytes.ts";

const CLASSES: Readonly<Record<FloatType, string>> = { F32: "FloatStorage", F16: "HalfStorage", BF16: "BFloat16Storage" };

/** A tensor of a state dict and the storage it views. */
export interface PickledTensor {
  readonly key: string;
  readonly type: FloatType;
  readonly elements: number;
  readonly offset: number;
  readonly extents: readonly number[];
  readonly strides: readonly number[];
}

/** OrderedDict([(name, tensor), …]) with `_metadata`, between PROTO and STOP. `legacy` ids have a sixth part. */
export function pickledStateDict(tensors: ReadonlyMap<string, PickledTensor>, legacy = false): Bytes {
  const items = [...tensors].map(([name, tensor]) => join(text(name), pickledTensor(tensor, legacy)));
  const dict = join(orderedDict(), utf8("("), ...items, utf8("u"));
  const state = join(utf8("}"), text("_metadata"), orderedDict(), utf8("s"), utf8("b"));
  return pickled(join(dict, state));
}

/** {key: value} around a pickled value without its frame. */
export function pickledWrapper(key: string, inner: Bytes): Bytes {
  return pickled(join(utf8("}"), text(key), inner.subarray(2, -1), utf8("s")));
}

/** A value's opcodes as a pickle. */
export function pickled(opcodes: Uint8Array): Bytes {
  return join(Uint8Array.of(0x80, 2), opcodes, utf8("."));
}

/** BINUNICODE. */
export function text(value: string): Bytes {
  const bytes = utf8(value);
  return join(utf8("X"), little(bytes.length, 4), bytes);
}

/** The shortest integer opcode. */
export function integer(value: number): Bytes {
  if (value < 256) return join(utf8("K"), little(value, 1));
  if (value < 65536) return join(utf8("M"), little(value, 2));
  return value < 2 ** 31 ? join(utf8("J"), little(value, 4)) : join(Uint8Array.of(0x8a, 6), little(value, 6));
}

/** A list of texts. */
export function texts(values: readonly string[]): Bytes {
  return join(utf8("]("), ...values.map(text), utf8("e"));
}

/** GLOBAL. */
export function global(module: string, name: string): Bytes {
  return utf8(`c${module}\n${name}\n`);
}

function pickledTensor({ key, type, elements, offset, extents, strides }: PickledTensor, legacy: boolean): Bytes {
  const id = [
    text("storage"),
    global("torch", CLASSES[type]),
    text(key),
    text("cpu"),
    integer(elements),
    ...(legacy ? [utf8("N")] : []),
  ];
  return join(
    global("torch._utils", "_rebuild_tensor_v2"),
    utf8("(("),
    ...id,
    utf8("tQ"),
    integer(offset),
    tuple(extents),
    tuple(strides),
    Uint8Array.of(0x89),
    orderedDict(),
    utf8("tR"),
  );
}

function orderedDict(): Bytes {
  return join(global("collections", "OrderedDict"), utf8(")R"));
}

function tuple(values: readonly number[]): Bytes {
  return join(utf8("("), ...values.map(integer), utf8("t"));
}
