// The tokens that a visitor's device computes for one site in a day, counted in the frame's own storage.

/** Where counts rest: localStorage, or nothing where the browser forbids it. */
export type CountStore = Pick<Storage, "getItem" | "setItem">;

const KEY = "cria-embed-spent";

export class Budget {
  /** Tokens spent today. */
  spent = $state(0);
  /** Null for no limit. */
  limit = $state<number | null>(null);
  /** Null for as many as one likes. */
  readonly left = $derived(this.limit === null ? null : Math.max(0, this.limit - this.spent));
  readonly isSpent = $derived(this.left === 0);

  constructor(
    private readonly store: CountStore | null,
    private readonly origin: string,
    private readonly today: () => string,
  ) {
    this.spent = this.#counts()[origin] ?? 0;
  }

  /** Counts tokens, read and written alike. A budget that is overdrawn by a last answer stays at that. */
  spend(tokens: number): void {
    // another tab of the site may have spent too
    const counts = this.#counts();
    this.spent = Math.max(0, Math.max(this.spent, counts[this.origin] ?? 0) + tokens);
    try {
      this.store?.setItem(KEY, JSON.stringify({ day: this.today(), counts: { ...counts, [this.origin]: this.spent } }));
    } catch {
      // full or forbidden: the count holds as long as the frame
    }
  }

  #counts(): Record<string, number> {
    try {
      const { day, counts } = Object(JSON.parse(this.store?.getItem(KEY) ?? "{}"));
      if (day !== this.today()) return {};
      return Object.fromEntries(
        Object.entries(Object(counts)).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])),
      );
    } catch {
      return {}; // written by somebody else
    }
  }
}
