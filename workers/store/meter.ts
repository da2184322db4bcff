// Progress of a download for people: bytes done, and the speed of the last seconds. At most ten reports a second.
import type { LoadProgress } from "../engine/base/wire.ts";

const WINDOW_MS = 5000;
const INTERVAL_MS = 100;

/** Adds up the bytes of shards that arrive side by side. */
export class Meter {
  private readonly arriving = new Map<number, number>();
  private readonly samples: { readonly atMs: number; readonly doneBytes: number }[] = [];
  private reportedMs = -Infinity;

  constructor(
    private readonly storedBytes: number,
    private readonly totalBytes: number,
    private readonly report: ((progress: LoadProgress) => void) | undefined,
  ) {
    this.arrived(-1, 0);
  }

  /** So many bytes of a shard have arrived. */
  arrived(index: number, bytes: number): void {
    this.arriving.set(index, bytes);
    const now = performance.now();
    if (now - this.reportedMs >= INTERVAL_MS) this.say(now);
  }

  /** The last report. */
  finish(): void {
    this.say(performance.now());
  }

  private say(atMs: number): void {
    const doneBytes = this.storedBytes + [...this.arriving.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.samples.push({ atMs, doneBytes });
    while (this.samples.length > 2 && atMs - this.samples[0]!.atMs > WINDOW_MS) this.samples.shift();
    const oldest = this.samples[0]!;
    const seconds = (atMs - oldest.atMs) / 1000;
    const bytesPerSecond = seconds > 0 ? Math.max(0, (doneBytes - oldest.doneBytes) / seconds) : 0;
    this.reportedMs = atMs;
    this.report?.({ phase: "download", doneBytes, totalBytes: this.totalBytes, bytesPerSecond });
  }
}
