// Adapters in IndexedDB, a database of their own: their files, and how each is used with its model.
import { clear, createStore, del, keys, getMany, set, type UseStore } from "idb-keyval";
import type { GateReading } from "../../workers/engine/base/adapters.ts";

/** An adapter that was added to a model. */
export interface KeptAdapter {
  /** What requests call it. */
  readonly id: string;
  /** Key of the model it is used with. */
  readonly model: string;
  /** For people. */
  readonly name: string;
  readonly files: readonly File[];
  /** In use. */
  readonly on: boolean;
  /** How strongly; 1 is as it was trained. */
  readonly scale: number;
  /** How its gates are read; null for how its publisher's own code does. */
  readonly gate: GateReading | null;
}

let opened: UseStore | undefined;

/** The adapters of a model, by name. Rejects where the browser keeps nothing. */
export async function listAdapters(model: string): Promise<KeptAdapter[]> {
  const found = await getMany<unknown>(await keys<string>(store()), store());
  return found
    .filter(isAdapter)
    .filter((adapter) => adapter.model === model)
    .sort((a, b) => a.name.localeCompare(b.name));
}

export function keepAdapter(adapter: KeptAdapter): Promise<void> {
  return set(adapter.id, adapter, store());
}

export function forgetAdapter(id: string): Promise<void> {
  return del(id, store());
}

/** Takes everything out. */
export function removeAdapters(): Promise<void> {
  return clear(store());
}

function isAdapter(value: unknown): value is KeptAdapter {
  return typeof value === "object" && value !== null && "id" in value && "model" in value && "files" in value;
}

function store(): UseStore {
  return (opened ??= createStore("cria-adapters", "adapters"));
}
