// Stop strings in a stream of text: what may become one is held back until it is clear.

/** Lets text through up to the first stop string. */
export class StopFilter {
  private readonly stops: readonly string[];
  private held = "";
  private match: string | null = null;

  /** Empty stop strings are ignored. */
  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => stop !== "");
  }

  /** The stop string that ended the text; null while none has come. */
  get found(): string | null {
    return this.match;
  }

  /** Takes the next piece of text. Gives what is certainly before any stop string; nothing once one was found. */
  push(text: string): string {
    if (this.match !== null) return "";
    const all = this.held + text;
    const first = this.firstIn(all);
    if (first) {
      this.match = first.stop;
      this.held = "";
      return all.slice(0, first.at);
    }
    const clear = all.length - this.doubtful(all);
    this.held = all.slice(clear);
    return all.slice(0, clear);
  }

  /** The text has ended: what was held back, since it did not become a stop string. */
  flush(): string {
    const { held } = this;
    this.held = "";
    return held;
  }

  /** The stop string that is complete first, the longest if several are: so it doesn't matter how the text was cut. */
  private firstIn(text: string): { stop: string; at: number } | null {
    let first: { stop: string; at: number } | null = null;
    for (const stop of this.stops) {
      const at = text.indexOf(stop);
      if (at === -1) continue;
      const lead = first ? at + stop.length - (first.at + first.stop.length) : -1;
      if (lead < 0 || (lead === 0 && at < first!.at)) first = { stop, at };
    }
    return first;
  }

  /** Length of the longest end of the text that begins a stop string. */
  private doubtful(text: string): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
