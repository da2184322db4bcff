// What is foretold of a model on this device before it is loaded, and what then happened.
import type { BackendInfo } from "./backend.ts";
import type { Shape } from "./model.ts";

/** A model nobody has opened yet, as far as a list can describe it. */
export interface ModelSketch {
  readonly id: string;
  readonly name: string;
  /** "Q4_K_M", as files are named. */
  readonly quantization: string;
  readonly parameters: number;
  readonly sizeBytes: number;
  /** Positions it was trained for. */
  readonly contextLength: number;
  /** From the header of another file of the model; without it, that of the model of our family nearest in parameters. */
  readonly shape?: Shape | undefined;
}

/** What advice is asked on: a model that has to be looked into, or one that a list describes. */
export type AdviceSubject = string | File | readonly File[] | ModelSketch;

/** How a model would do on one backend, at `TYPICAL`. */
export interface Prediction {
  readonly backend: BackendInfo["backend"];
  /** "2 threads, relaxed32", or the name of the graphics card. */
  readonly place: string;
  /** no: it needs more memory than this device has. tight: other tabs will feel it. */
  readonly fit: "yes" | "tight" | "no";
  /** Weights, work space and the cache of the context it would be opened with. */
  readonly memoryBytes: number;
  /** Positions there is memory for, at most those it was trained for; 0 where it does not fit. */
  readonly contextLength: number;
  /** From the question to the first word. */
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
}

/** What happened when somebody talked to it. */
export interface Outcome {
  readonly backend: BackendInfo["backend"];
  /** Scaled to the prompt of `TYPICAL`. */
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What there is to say of a model before it is downloaded. */
export interface Advice {
  readonly id: string;
  readonly name: string;
  readonly quantization: string;
  readonly parameters: number;
  readonly sizeBytes: number;
  readonly shape: Shape;
  /** Expected loss in nats a token (advise/quality.ts): less is better. For comparing models, not for believing. */
  readonly loss: number;
  /** One for each backend that would run here, the one that "auto" takes first. Empty where none does. */
  readonly predictions: readonly Prediction[];
  /** The last time it was talked to here, with what was foretold then; null before that. */
  readonly past: { readonly predicted: Prediction; readonly outcome: Outcome } | null;
}

/** What a person can spend. */
export interface Budget {
  /** At most so much memory; null for what the device has. */
  readonly memoryBytes: number | null;
  /** At least so fast. */
  readonly tokensPerSecond: number;
}

/** What predictions are made for: a question with a system prompt, and the midst of its answer. */
export const TYPICAL = { promptTokens: 128, position: 192 } as const;
