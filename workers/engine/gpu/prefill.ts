// Running many tokens: layers are cut into submits short enough for the page to draw in between, two of them in flight.
import { EngineError } from "../base/errors.ts";
import type { Ready, Runner } from "./run.ts";

/** A submit should take no longer: the browser's own drawing waits behind it. */
const SUBMIT_MS = 40;
/** Tokens to begin with, before anything is known of the device. */
const FIRST_TOKENS = 32;

/** What is known of how fast many tokens run, across requests. */
export class PrefillPace {
  /** Milliseconds of a layer for one token of many, smoothed; null before the first. */
  private layerMs: number | null = null;

  note(elapsedMs: number, tokens: number, segments: number): void {
    const ms = elapsedMs / (tokens * segments);
    this.layerMs = this.layerMs === null ? ms : 0.5 * (this.layerMs + ms);
  }

  /** Tokens of which one layer fits a submit: a multiple of 8. */
  tokens(most: number): number {
    const fitting = this.layerMs === null ? FIRST_TOKENS : Math.floor(SUBMIT_MS / this.layerMs / 8) * 8;
    return Math.min(most, Math.max(8, fitting));
  }

  /** Layers that fit a submit. */
  segments(tokens: number): number {
    return this.layerMs === null ? 1 : Math.max(1, Math.floor(SUBMIT_MS / (this.layerMs * tokens)));
  }
}

/** Runs segments for tokens that are in place at `at`. Looks at the signal between submits. Throws `aborted`. */
export async function runSegments(
  runner: Runner,
  segments: readonly (readonly Ready[])[],
  at: number,
  tokens: number,
  pace: PrefillPace,
  now: () => number,
  signal?: AbortSignal,
): Promise<void> {
  const start = now();
  const each = pace.segments(tokens);
  const flights: Promise<void>[] = [];
  for (let from = 0; from < segments.length; from += each) {
    if (flights.length === 2) await flights.shift();
    if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
    runner.submit([{ dispatches: segments.slice(from, from + each).flat(), position: at, tokens }]);
    flights.push(runner.finished());
  }
  await Promise.all(flights);
  if (tokens > 8) pace.note(now() - start, tokens, segments.length);
}
