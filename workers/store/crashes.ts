// Remembers that a model is loading or answering. A mark that is found afterwards means that the tab died of it.
import { EngineError } from "../engine/base/errors.ts";
import { factKeys, recall, remember } from "./facts.ts";
import { isRecordOf } from "./shape.ts";

/** After so many deaths in a row a model is not loaded by itself. */
export const CRASH_LIMIT = 2;

interface Mark {
  /** Deaths in a row before the work that is marked. */
  readonly crashes: number;
  /** Name of the lock that the marking tab holds while it lives; "" where no work is marked. */
  readonly work: string;
}

const isMark = isRecordOf<Mark>({ crashes: "number", work: "string" });
const keyOf = (id: string): string => `crash:${id}`;

/** How often in a row the tab died while this model was loading or answering. */
export async function crashesOf(id: string): Promise<number> {
  const mark = await readMark(id);
  return mark.crashes + ((await isDead(mark)) ? 1 : 0);
}

/** Throws `crashed_before` where the model took the tab down CRASH_LIMIT times in a row. */
export async function refuseAfterCrashes(id: string, name: string): Promise<void> {
  const crashes = await crashesOf(id);
  if (crashes < CRASH_LIMIT) return;
  throw new EngineError(
    "crashed_before",
    `The tab died ${String(crashes)} times in a row while ${name} was loading or answering.`,
    "Choose a smaller model or a shorter context, or load it all the same.",
  );
}

/** Marks dangerous work with a model: loading it, answering with it. Call the result when it went well, failed tidily or was stopped. */
export async function markWork(id: string): Promise<() => Promise<void>> {
  const crashes = await crashesOf(id);
  const work = `cria-work ${id} ${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  const release = hold(work);
  await remember(keyOf(id), { crashes, work } satisfies Mark);
  return async () => {
    const mark = await readMark(id);
    if (mark.work === work) await remember(keyOf(id), null);
    release();
  };
}

/**
 * A tab closes in an orderly way: what it was doing is no crash. The service worker, which outlives it, calls this. Earlier crashes stay
 * counted; the marks of other tabs go as well, which costs at most one count.
 */
export async function forgiveWork(): Promise<void> {
  for (const key of await factKeys(keyOf(""))) {
    const id = key.slice(keyOf("").length);
    const mark = await readMark(id);
    if (mark.work !== "")
      await remember(keyOf(id), mark.crashes === 0 ? null : ({ crashes: mark.crashes, work: "" } satisfies Mark));
  }
}

async function readMark(id: string): Promise<Mark> {
  const found = await recall(keyOf(id));
  return isMark(found) ? found : { crashes: 0, work: "" };
}

async function isDead(mark: Mark): Promise<boolean> {
  if (mark.work === "") return false;
  if (!("locks" in navigator)) return true;
  const { held, pending } = await navigator.locks.query();
  return ![...(held ?? []), ...(pending ?? [])].some((lock) => lock.name === mark.work);
}

/** Holds a lock that the browser lets go of when this worker dies, however it dies. */
function hold(name: string): () => void {
  let release: () => void = () => undefined;
  if ("locks" in navigator) void navigator.locks.request(name, () => new Promise<void>((resolve) => (release = resolve)));
  return () => release();
}
