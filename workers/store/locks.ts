// Locks that all tabs and workers of the site share; the browser lets go of them when their holder dies.

/** Runs `work` while no other tab or worker does work of this name; right away where the browser has no locks. */
export async function alone<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (!("locks" in navigator)) return work();
  return await navigator.locks.request(name, signal ? { signal } : {}, work);
}

/**
 * Holds a model until the result is called: "shared" while it is downloaded, which several tabs may do together, "exclusive" while it is
 * written by one. Waits for others; throws `AbortError` when `signal` fires first.
 */
export async function holdModel(id: string, mode: LockMode, signal?: AbortSignal): Promise<() => void> {
  if (!("locks" in navigator)) return () => undefined;
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(HELD + id, { mode, ...(signal ? { signal } : {}) }, () => new Promise<void>((release) => resolve(release)))
      .catch(reject);
  });
}

/** Models that some tab holds now. */
export async function heldModels(): Promise<Set<string>> {
  if (!("locks" in navigator)) return new Set();
  const { held = [] } = await navigator.locks.query();
  const names = held.map(({ name = "" }) => name);
  return new Set(names.filter((name) => name.startsWith(HELD)).map((name) => name.slice(HELD.length)));
}

const HELD = "cria-model ";
