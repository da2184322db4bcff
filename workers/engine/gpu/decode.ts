// Decoding on the device: several tokens a submit, two submits in flight, results read late.
import type { DeviceDecode, Sampling } from "../base/backend.ts";
import { assert, EngineError } from "../base/errors.ts";
import { SAMPLING_BYTES } from "./memory.ts";
import type { Picked, Ready, Runner } from "./run.ts";

const MAX_ENDS = 16;
/** A submit should keep the GPU busy for so long: enough to hide the way back, short enough to stop soon. */
const SUBMIT_MS = 40;
const MAX_TOKENS = 16;

/** One token: picking it, and running it. */
export interface TokenPlan {
  readonly sample: readonly Ready[];
  readonly forward: readonly Ready[];
  /** Where there is no best logit (NaN), the device picks this. */
  readonly vocab: number;
}

interface Flight {
  readonly picked: Promise<Picked>;
  readonly tokens: number;
}

/** Measures how long a token takes, across requests. */
export class Pace {
  /** Milliseconds a token, smoothed; null before the first. */
  tokenMs: number | null = null;

  note(elapsedMs: number, tokens: number): void {
    const ms = elapsedMs / tokens;
    this.tokenMs = this.tokenMs === null ? ms : 0.7 * this.tokenMs + 0.3 * ms;
  }

  /** Tokens to put into one submit. */
  get tokensPerSubmit(): number {
    return this.tokenMs === null ? 1 : Math.max(1, Math.min(MAX_TOKENS, Math.floor(SUBMIT_MS / this.tokenMs)));
  }
}

/** Picks tokens from `request.at` on; the logits of the token before are in place. */
export async function* decode(
  runner: Runner,
  plan: TokenPlan,
  pace: Pace,
  request: DeviceDecode,
  now: () => number,
): AsyncGenerator<Uint32Array, void> {
  const { at, limit, recent, endIds, sampling } = request;
  runner.setSampling(samplingBytes(sampling, endIds, at - recent.length));
  runner.setHistory(at - recent.length, Uint32Array.from(recent));
  runner.place(at - 1, 1); // the sampler steps on first
  const flights: Flight[] = [];
  let asked = 0;
  let given = 0;
  let last = now();
  const launch = (): void => {
    const tokens = Math.min(pace.tokensPerSubmit, limit - asked);
    flights.push({ picked: runner.submitAndFetch(runsOf(plan, at + asked, tokens, asked + tokens === limit)), tokens });
    asked += tokens;
  };
  try {
    let stopped = false;
    while (given < limit) {
      while (!stopped && flights.length < 2 && asked < limit && !request.stopped()) launch();
      const flight = flights.shift();
      if (!flight) return;
      const picked = await flight.picked;
      pace.note(now() - last, flight.tokens);
      last = now();
      stopped ||= picked.stopped;
      const end = Math.min(picked.steps, given + flight.tokens);
      if (Array.from({ length: end - given }, (_, i) => picked.token(given + i)).includes(plan.vocab)) throw nonsense();
      if (end > given && !request.stopped()) yield Uint32Array.from({ length: end - given }, (_, i) => picked.token(given + i));
      given += flight.tokens;
      if (picked.stopped && given >= picked.steps) return;
      if (request.stopped()) return;
    }
  } finally {
    await Promise.all(flights.map((flight) => flight.picked)); // the GPU is idle when this returns
  }
}

/** Each token is picked, then run; the very last one is only picked. */
function runsOf({ sample, forward }: TokenPlan, at: number, tokens: number, last: boolean): Parameters<Runner["submit"]>[0] {
  return Array.from({ length: tokens }, (_, i) => {
    const onlyPick = last && i === tokens - 1;
    return { dispatches: onlyPick ? sample : [...sample, ...forward], position: at + i, tokens: 1 };
  });
}

/** Sampling of shaders/pick.wgsl; the penalty looks at tokens from position `first` on. */
function samplingBytes(sampling: Sampling, endIds: readonly number[], first: number): ArrayBuffer {
  assert(endIds.length <= MAX_ENDS, `${endIds.length} end tokens; the device knows ${MAX_ENDS}.`);
  const bytes = new ArrayBuffer(SAMPLING_BYTES);
  const { temperature, topP, minP, repeatPenalty, topK, repeatWindow, seed } = sampling;
  new Float32Array(bytes).set([temperature, topP, minP, repeatPenalty]);
  const window = repeatPenalty === 1 ? 0 : repeatWindow;
  new Uint32Array(bytes, 16).set([topK, window, seed, endIds.length, first, 0, 0, 0, ...endIds]);
  return bytes;
}

function nonsense(): EngineError {
  return new EngineError(
    "bad_logits",
    "The model computed nonsense: its logits are not numbers.",
    "Reload the model, or choose another backend in the settings.",
  );
}
