// Whether somebody in another tab or worker still lives: a Web Lock goes when its holder does, however it ends.

/** A lock that tells others of our end. */
export interface Life {
  /** What to give to those who want to know. */
  readonly name: string;
  /** Ends it before the page or worker does. */
  end(): void;
}

/** Begins to hold a life. Resolves once it is held, so that nobody who hears its name finds it unheld. Needs Web Locks. */
export function beginLife(): Promise<Life> {
  const name = `cria-life ${crypto.randomUUID()}`;
  return new Promise((resolve, reject) => {
    const held = (): Promise<void> => new Promise((end) => resolve({ name, end }));
    navigator.locks.request(name, held).catch(reject);
  });
}

/** Resolves when the life of this name has ended. */
export async function endOfLife(name: string): Promise<void> {
  await navigator.locks.request(name, { mode: "shared" }, () => undefined);
}
