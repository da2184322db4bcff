// How many threads take part: as many as make a token faster. Now and then a token is tried with fewer, or with more.

/** Tokens at one count before another is tried; doubled each time that was in vain. */
const FIRST_PAUSE = 64;
const LONGEST_PAUSE = 2048;
/** Tokens of a trial, and of what it is compared with. */
const SAMPLES = 5;
/** A trial has to be this much better to stay, and is given up as soon as a token is this much worse. */
const BETTER = 0.96;
const WORSE = 1.25;

/** Picks the number of threads for each token from the times of those before. */
export class ThreadCount {
  private settled: number;
  private tried: number | null = null;
  private recent: number[] = [];
  private trial: number[] = [];
  private pause = FIRST_PAUSE;
  private tokens = 0;
  private up = false;

  constructor(private readonly most: number) {
    this.settled = most;
  }

  /** Threads for the next token. */
  get current(): number {
    return this.tried ?? this.settled;
  }

  /** Starts over from a count that was measured. */
  settle(count: number): void {
    this.settled = count;
    this.endTrial(FIRST_PAUSE);
  }

  /** Milliseconds of the token that was just computed on `current` threads. */
  record(milliseconds: number): void {
    if (this.tried === null) {
      this.recent = [...this.recent.slice(1 - SAMPLES), milliseconds];
      if (++this.tokens >= this.pause && this.recent.length === SAMPLES) this.startTrial();
      return;
    }
    this.trial.push(milliseconds);
    const usual = median(this.recent);
    const failed = milliseconds > usual * WORSE;
    if (!failed && this.trial.length < SAMPLES) return;
    if (!failed && median(this.trial) < usual * BETTER) this.settle(this.tried);
    else this.endTrial(Math.min(this.pause * 2, LONGEST_PAUSE));
  }

  private startTrial(): void {
    const step = Math.max(1, this.settled >> 2);
    const next = Math.max(1, Math.min(this.most, this.settled + (this.up ? step : -step)));
    this.up = !this.up;
    this.tokens = 0;
    if (next !== this.settled) this.tried = next;
  }

  private endTrial(pause: number): void {
    this.tried = null;
    this.trial = [];
    this.recent = [];
    this.tokens = 0;
    this.pause = pause;
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
