// Running many tokens: layers are cut into submits short enough for the page to draw in between, two of them in flight.
import { EngineError } from "../base/errors.ts";
import type { Ready, Runner } from "./run.ts";

/** A submit should take no longer: the browser's own drawing waits behind it. */
const SUBMIT_MS = 40;
/** Tokens to begin with, before anything is known of the device: more than a few, so that the kernels for many are timed. */
export const FIRST_TOKENS = 16;

/** What is known of how fast many tokens run, across requests. */
export class PrefillPace {
  /** Milliseconds of a layer for one token of many, smoothed; null before the first. */
  private layerMs: number | null = null;

  /** Takes the time of a submit. */
  note(elapsedMs: number, tokens: number, layers: number): void {
    const ms = elapsedMs / (tokens * layers);
    this.layerMs = this.layerMs === null ? ms : 0.5 * (this.layerMs + ms);
  }

  /** Tokens of which one layer fits a submit: a multiple of 8. */
  tokens(most: number): number {
    const fitting = this.layerMs === null ? FIRST_TOKENS : Math.floor(SUBMIT_MS / this.layerMs / 8) * 8;
    return Math.min(most, Math.max(8, fitting));
  }

  /** Layers that fit a submit. */
  layers(tokens: number): number {
    return this.layerMs === null ? 1 : Math.max(1, Math.floor(SUBMIT_MS / (this.layerMs * tokens)));
  }
}

/**
 * Runs layers for tokens that are in place at `at`, as many a submit as the ones before have shown to fit. Looks at the signal between
 * submits. Throws `aborted`.
 */
export async function runLayers(
  runner: Runner,
  layers: readonly (readonly Ready[])[],
  at: number,
  tokens: number,
  pace: PrefillPace,
  now: () => number,
  signal?: AbortSignal,
): Promise<void> {
  let last = now();
  const flights: Promise<void>[] = [];
  for (let from = 0; from < layers.length;) {
    if (flights.length === 2) await flights.shift();
    if (signal?.aborted) {
      await Promise.all(flights); // the GPU is idle when this throws
      throw new EngineError("aborted", "Stopped.");
    }
    const some = layers.slice(from, from + pace.layers(tokens));
    runner.submit([{ dispatches: some.flat(), position: at, tokens }]);
    flights.push(
      runner.finished().then(() => {
        if (tokens >= 8) pace.note(now() - last, tokens, some.length); // fewer say little of many
        last = now();
      }),
    );
    from += some.length;
  }
  await Promise.all(flights);
}
