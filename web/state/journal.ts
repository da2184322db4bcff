// Writes the newest version of something as fast as the store takes it: versions that came meanwhile are passed over.

export class Journal<T> {
  #next: { value: T } | null = null;
  #running: Promise<void> | null = null;

  constructor(private readonly put: (value: T) => Promise<void>) {}

  /** Returns at once. */
  write(value: T): void {
    this.#next = { value };
    this.#running ??= this.#run().finally(() => (this.#running = null));
  }

  /** Resolves when the last version is written. */
  async flush(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#next) {
      const { value } = this.#next;
      this.#next = null;
      await this.put(value);
    }
  }
}
