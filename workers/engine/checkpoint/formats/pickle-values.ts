// What a pickle can hold here: plain values, containers, and the three things PyTorch adds to them.

/** A value read from a pickle. Containers may hold themselves. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleSet
  | PickleName
  | PickleStorage
  | PickleTensor;

export class PickleList {
  readonly items: PickleValue[] = [];
}

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A dict or OrderedDict. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();

  /** The value under a text key; null where there is none. */
  get(key: string): PickleValue {
    return this.entries.get(key) ?? null;
  }
}

export class PickleSet {
  readonly items = new Set<PickleValue>();
}

/** A name of Python's that the reader knows: "torch.FloatStorage". It stands for nothing but itself. */
export class PickleName {
  constructor(readonly name: string) {}
}

/** A run of numbers outside the pickle. */
export class PickleStorage {
  constructor(
    /** "Float", "Half", "BFloat16", "Long", …: the storage class without its suffix. */
    readonly type: string,
    readonly key: string,
    readonly elements: number,
    /** First element within the storage `key`, for views of another storage (old files). */
    readonly offset: number,
  ) {}
}

/** A strided view of a storage. */
export class PickleTensor {
  constructor(
    readonly storage: PickleStorage,
    readonly offset: number,
    readonly extents: readonly number[],
    readonly strides: readonly number[],
  ) {}
}
