// What models have read of conversations, in blocks, between visits: bounded in size, the conversation that was used longest ago goes first.
import { createStore, get, getMany, keys, promisifyRequest } from "idb-keyval";
import { EngineError } from "../engine/base/errors.ts";
import type { KeptConversation, SnapshotStore } from "../engine/base/host.ts";
import { checksum } from "./checksum.ts";
import { persistently } from "./database.ts";
import { freeBytes } from "./room.ts";
import { isRecordOf } from "./shape.ts";

/** Conversations, and the blocks that they are made of; several may share one. */
const store = createStore("cria-memory", "keyval");

/** Most that is kept, and how much of the free storage that may be. */
const MOST_BYTES = 2 ** 30;
const SHARE = 0.2;

/** A kept conversation, and when it was used, in milliseconds since 1970. */
interface Kept extends KeptConversation {
  readonly usedMs: number;
}

interface Block {
  readonly bytes: Blob;
  readonly sum: string;
}

const isKept = isRecordOf<Kept>({
  conversation: "string",
  model: "string",
  names: "strings",
  blockBytes: "number",
  usedMs: "number",
});
const keptKey = ({ conversation, model }: Pick<Kept, "conversation" | "model">): IDBValidKey => ["kept", conversation, model];
const blockKey = (name: string): IDBValidKey => ["block", name];

/** The blocks of this browser. Nothing here throws: what fails is not found, or not kept. */
export const snapshots: SnapshotStore = {
  async find(names) {
    const found: Uint8Array[] = [];
    const blocks = await orElse([], () => getMany<unknown>(names.map(blockKey), store));
    for (const block of blocks) {
      if (!isBlock(block)) break;
      const bytes = await orElse(null, async () => new Uint8Array(await block.bytes.arrayBuffer()));
      if (bytes === null || checksum(bytes) !== block.sum) break;
      found.push(bytes);
    }
    return found;
  },

  async known(names) {
    const wanted = new Set(names);
    const all = await orElse([], () => keys<IDBValidKey>(store));
    return new Set(
      all.flatMap((key) => (Array.isArray(key) && key[0] === "block" && wanted.has(String(key[1])) ? [String(key[1])] : [])),
    );
  },

  async keep(conversation, blocks) {
    const limit = Math.min(MOST_BYTES, SHARE * ((await freeBytes()) ?? Infinity));
    if (conversation.names.length * conversation.blockBytes > limit) return;
    const fresh = [...blocks].map(([name, shared]): [string, Block] => {
      const bytes = Uint8Array.from(shared);
      return [name, { bytes: new Blob([bytes]), sum: checksum(bytes) }];
    });
    await orElse(null, () =>
      change((kept) => withinLimit([...without(kept, conversation), { ...conversation, usedMs: Date.now() }], limit), fresh),
    );
  },
};

/** Forgets what was read of a conversation. Throws `storage_failed`. */
export function forgetConversation(conversation: string): Promise<void> {
  return persistently(() => change((kept) => kept.filter((each) => each.conversation !== conversation)));
}

/** Forgets what a model has read. Throws `storage_failed`. */
export function forgetReadings(model: string): Promise<void> {
  return persistently(() => change((kept) => kept.filter((each) => each.model !== model)));
}

/** Forgets everything. Throws `storage_failed`. */
export function forgetAllReadings(): Promise<void> {
  return persistently(() => change(() => []));
}

/** Bytes that all of it takes; 0 where nothing can be read. */
export function readingsBytes(): Promise<number> {
  return orElse(0, async () => {
    const all = (await keys<IDBValidKey>(store)).filter((key) => Array.isArray(key) && key[0] === "kept");
    return bytesOf((await Promise.all(all.map((key) => get<unknown>(key, store)))).filter(isKept));
  });
}

/** Changes what is kept, in one transaction: new blocks go in, and those that no conversation has any more go. */
function change(decide: (kept: readonly Kept[]) => readonly Kept[], fresh: readonly [string, Block][] = []): Promise<void> {
  return store("readwrite", async (objects) => {
    const all = await promisifyRequest(objects.getAllKeys());
    const records: unknown[] = await promisifyRequest(objects.getAll(IDBKeyRange.bound(["kept"], ["kept", []])));
    const before = records.filter(isKept);
    const after = decide(before);
    const used = new Set(after.flatMap(({ names }) => names));
    for (const kept of before) if (!after.includes(kept)) objects.delete(keptKey(kept));
    for (const key of all) if (Array.isArray(key) && key[0] === "block" && !used.has(String(key[1]))) objects.delete(key);
    for (const kept of after) if (!before.includes(kept)) objects.put(kept, keptKey(kept));
    for (const [name, block] of fresh) if (used.has(name)) objects.put(block, blockKey(name));
    await promisifyRequest(objects.transaction);
  });
}

/** The most recently used conversations that fit. */
function withinLimit(kept: readonly Kept[], limitBytes: number): readonly Kept[] {
  const newestFirst = [...kept].sort((a, b) => b.usedMs - a.usedMs);
  while (bytesOf(newestFirst) > limitBytes) newestFirst.pop();
  return newestFirst;
}

function without(kept: readonly Kept[], { conversation, model }: KeptConversation): readonly Kept[] {
  return kept.filter((each) => each.conversation !== conversation || each.model !== model);
}

/** A block that several conversations share counts once. */
function bytesOf(kept: readonly Kept[]): number {
  const sizes = new Map(kept.flatMap(({ names, blockBytes }) => names.map((name) => [name, blockBytes] as const)));
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function isBlock(found: unknown): found is Block {
  return typeof found === "object" && found !== null && "bytes" in found && found.bytes instanceof Blob && "sum" in found;
}

async function orElse<T>(otherwise: T, operation: () => Promise<T>): Promise<T> {
  try {
    return await persistently(operation);
  } catch (error) {
    if (error instanceof EngineError) return otherwise;
    throw error;
  }
}
