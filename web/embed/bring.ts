// Brings a model that the visitor has in Cria's own site into the frame's storage, which browsers keep apart for every site around it.
// Source: privacycg.github.io/saa-non-cookie-storage; Chromium hands out IndexedDB so, Firefox and Safari do not.
import { createStore, get, keys, set, type UseStore } from "idb-keyval";

/** How it ended. refused: by the browser or the visitor. missing: Cria's own storage has no such model, or not all of it. */
export type Outcome = "brought" | "refused" | "missing";

/** Brings the model of an id in; hears how much of it is here, 0 to 1. Call it in a click: browsers ask for one. */
export type Bringing = (id: string, onProgress: (share: number) => void) => Promise<Outcome>;

/** The engine's store; workers/store/database.ts says the same. */
const DATABASE = "cria-weights";
const OBJECTS = "keyval";

interface Handle {
  readonly indexedDB?: IDBFactory;
}

/**
 * Whether this browser may hand over what the app's own site has stored. Its handle has no name of its own to look for; this method came
 * with it.
 */
export function mayBring(): boolean {
  return "requestStorageAccess" in document && "hasUnpartitionedCookieAccess" in document;
}

/** Copies the model's record, then its pieces one by one: a copy that breaks off is a download that can go on. */
export const bringModel: Bringing = async (id, onProgress) => {
  const own = await askForStorage();
  if (!own) return "refused";
  const theirs = await openStore(own);
  if (!theirs) return "missing";
  return copyModel(id, theirs, createStore(DATABASE, OBJECTS), onProgress);
};

/** Copies everything that is stored of a model from one store to another. */
export async function copyModel(id: string, from: UseStore, to: UseStore, onProgress: (share: number) => void): Promise<Outcome> {
  // keys are lists: what it is, the model's id, and for pieces their number
  const wanted = [id, ...partsOf(await get<unknown>(["model", id], from))];
  const found = (await keys<IDBValidKey>(from)).filter((key) => Array.isArray(key) && wanted.some((each) => each === key[1]));
  const isRecord = (key: IDBValidKey): boolean => Array.isArray(key) && key[0] === "model";
  if (!found.some(isRecord) || found.length < 2) return "missing";
  const ordered = [...found.filter(isRecord), ...found.filter((key) => !isRecord(key)).sort(checksLast)];
  for (const [index, key] of ordered.entries()) {
    await set(key, await get<unknown>(key, from), to);
    onProgress((index + 1) / ordered.length);
  }
  return "brought";
}

/** Ids of a split model's files, which have records of their own. */
function partsOf(record: unknown): unknown[] {
  const parts: unknown = typeof record === "object" && record !== null && "parts" in record ? record.parts : null;
  return Array.isArray(parts) ? parts : [];
}

/** A piece counts as stored once its check is there: checks come after their pieces. */
function checksLast(one: IDBValidKey, other: IDBValidKey): number {
  const rank = (key: IDBValidKey): number => (Array.isArray(key) && key[0] === "check" ? 1 : 0);
  return rank(one) - rank(other);
}

/** The app's own IndexedDB; null where browser or visitor says no. */
async function askForStorage(): Promise<IDBFactory | null> {
  try {
    // The list of what is asked for is newer than the types know.
    const request: (what?: object) => Promise<unknown> = document.requestStorageAccess.bind(document);
    const handle = await request({ indexedDB: true });
    return isHandle(handle) ? (handle.indexedDB ?? null) : null;
  } catch {
    return null; // a refusal says no more than that
  }
}

function isHandle(value: unknown): value is Handle {
  return typeof value === "object" && value !== null && "indexedDB" in value;
}

/** The engine's store in a database factory; null where there is none yet. */
function openStore(factory: IDBFactory): Promise<UseStore | null> {
  return new Promise((resolve) => {
    const request = factory.open(DATABASE);
    request.onupgradeneeded = () => request.transaction?.abort(); // it was not there: leave no empty one behind
    request.onerror = () => resolve(null);
    request.onsuccess = () => {
      const database = request.result;
      if (!database.objectStoreNames.contains(OBJECTS)) return resolve(null);
      resolve((mode, use) => Promise.resolve(use(database.transaction(OBJECTS, mode).objectStore(OBJECTS))));
    };
  });
}
