// The names a PyTorch pickle may use, and what calling them means here. This list is the whole of what a file can ask for.
// Source: PyTorch torch/_utils.py (_rebuild_*), torch/serialization.py (persistent ids), torch/_weights_only_unpickler.py.
import { damaged, refused } from "./errors.ts";
import {
  PickleDict,
  PickleName,
  PickleSet,
  PickleStorage,
  PickleTensor,
  PickleTuple,
  PickleList,
  type PickleValue,
} from "./pickle-values.ts";

const STORAGE = /^torch\.(Float|Half|BFloat16|Double|Long|Int|Short|Char|Byte|Bool)Storage$/;
const TYPE = /^torch\.(float|double|half|bfloat|int|long|short|uint|bool)\d*$/;
const CALLED = new Set([
  "collections.OrderedDict",
  "builtins.set",
  "__builtin__.set",
  "torch.Size",
  "torch.device",
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
]);

/** A name that a pickle looks up. Throws `bad_file` for any that is not known: nothing of Python's runs here. */
export function knownName(file: string, module: string, name: string): PickleName {
  const full = `${module}.${name}`;
  if (CALLED.has(full) || STORAGE.test(full) || TYPE.test(full)) return new PickleName(full);
  throw refused(
    file,
    `it asks for ${JSON.stringify(full.slice(0, 80))}, which is no tensor and no container, and could run a program elsewhere`,
  );
}

/** What a persistent id stands for. Zip: ("storage", class, key, place, elements); older files add a view (key, offset, elements). */
export function storageOf(file: string, id: PickleValue): PickleStorage {
  const [kind, type, key, , elements, view] = id instanceof PickleTuple ? id.items : [];
  const class_ = type instanceof PickleName ? STORAGE.exec(type.name)?.[1] : undefined;
  if (kind !== "storage" || class_ === undefined || typeof key !== "string" || !isCount(elements)) {
    throw damaged(file, "its pickle names a storage that cannot be read");
  }
  const [, offset] = view instanceof PickleTuple ? view.items : [];
  return new PickleStorage(class_, key, elements, isCount(offset) ? offset : 0);
}

/** Calls a known name. Throws `bad_file` where the arguments are not what PyTorch writes. */
export function construct(file: string, { name }: PickleName, given: readonly PickleValue[]): PickleValue {
  switch (name) {
    case "torch._utils._rebuild_tensor":
    case "torch._utils._rebuild_tensor_v2":
      return tensorOf(file, given);
    case "torch._utils._rebuild_parameter":
      if (given[0] instanceof PickleTensor) return given[0];
      throw damaged(file, "it has a parameter that is no tensor");
    case "collections.OrderedDict":
      return dictOf(file, given[0] ?? null);
    case "builtins.set":
    case "__builtin__.set":
      return setOf(given[0] ?? null);
    case "torch.Size":
      return given[0] instanceof PickleTuple ? given[0] : new PickleTuple([]);
    case "torch.device":
      return given[0] ?? null;
    default:
      throw refused(file, `it calls ${name}`);
  }
}

/** Sets the state of an object. State dicts carry their modules' versions, which mean nothing here. */
export function build(file: string, object: PickleValue, state: PickleValue): void {
  if (!(object instanceof PickleDict)) throw refused(file, "it sets the state of what is no container");
  if (!(state instanceof PickleDict)) throw damaged(file, "it has a container whose state is no dict");
}

function tensorOf(file: string, [storage, offset, extents, strides]: readonly PickleValue[]): PickleTensor {
  if (storage instanceof PickleStorage && isCount(offset) && extents instanceof PickleTuple && strides instanceof PickleTuple) {
    const [sizes, steps] = [extents.items.filter(isCount), strides.items.filter(isCount)];
    if (sizes.length === extents.items.length && steps.length === strides.items.length && sizes.length === steps.length) {
      return new PickleTensor(storage, offset, sizes, steps);
    }
  }
  throw damaged(file, "it has a tensor that cannot be read");
}

function dictOf(file: string, pairs: PickleValue): PickleDict {
  const dict = new PickleDict();
  const items = pairs instanceof PickleList || pairs instanceof PickleTuple ? pairs.items : [];
  for (const pair of items) {
    const inner = pair instanceof PickleList || pair instanceof PickleTuple ? pair.items : [];
    if (inner.length !== 2) throw damaged(file, "it has a dict of what are no pairs");
    dict.entries.set(inner[0]!, inner[1]!);
  }
  return dict;
}

function setOf(items: PickleValue): PickleSet {
  const set = new PickleSet();
  if (items instanceof PickleList || items instanceof PickleTuple) for (const item of items.items) set.items.add(item);
  return set;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
