// Hands the shards of a download, which arrive in any order, to the hash, which wants them in theirs.

/** Which shards are there. Holds a few of them until the hash has come so far, so that they need not be read back. */
export class Arrivals {
  /** Shards ahead of the hash that are held; the rest is read back from the store. */
  private static readonly HELD = 2;
  private readonly held = new Map<number, Uint8Array>();
  private readonly present: Set<number>;
  private cursor = 0;
  private failure: { readonly error: unknown } | null = null;
  private wake: () => void = () => undefined;

  constructor(stored: ReadonlySet<number>) {
    this.present = new Set(stored);
  }

  /** A shard is in the store. */
  add(index: number, bytes: Uint8Array): void {
    this.present.add(index);
    if (index - this.cursor < Arrivals.HELD) this.held.set(index, bytes);
    this.wake();
  }

  /** No more will arrive: `take` throws this. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }

  /** Waits for a shard. Null where it is in the store alone. */
  async take(index: number): Promise<Uint8Array | null> {
    this.cursor = index;
    while (!this.present.has(index)) {
      if (this.failure) throw this.failure.error;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const bytes = this.held.get(index) ?? null;
    this.held.delete(index);
    return bytes;
  }
}
