// How long a model takes: its work divided by what a device was measured to do. Pure arithmetic.
// A token reads every weight once, pays for each layer whatever its size, and looks back at every position before it.
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";
import { TYPICAL } from "../base/advice.ts";
import type { Work } from "./work.ts";

/** What a backend of this device was measured to do. Times in milliseconds. */
export interface Speed {
  /** A weight of each measured type, for one token at a time: what its bytes cost to read. */
  readonly decodeMs: Readonly<Partial<Record<QuantName, number>>>;
  /** A byte of weights that no cache holds; 0 where `decodeMs` says it already. */
  readonly byteMs: number;
  /** Bytes of weights that were read again and again when `decodeMs` was measured, and may have come from a cache. */
  readonly cachedBytes: number;
  /** The same for one of many tokens read together: what its product costs. */
  readonly prefillMs: Readonly<Partial<Record<QuantName, number>>>;
  /** A layer, besides its weights: barriers, dispatches, norms. */
  readonly layerMs: number;
  /** A product of attention, one token at a time. */
  readonly attendMs: number;
  /** A product of attention, for one of many tokens. */
  readonly prefillAttendMs: number;
  /** An activation of one of many tokens: quantized, normed, written. */
  readonly activationMs: number;
}

/** Tokens that are read together. */
const CHUNK = 128;

/** Milliseconds of one token with `position` tokens before it. */
export function tokenMs(work: Work, speed: Speed, position: number): number {
  return weightsMs(work, speed) + work.layers * speed.layerMs + position * work.attention * speed.attendMs;
}

/** Milliseconds from a prompt of so many tokens to its first answer token. */
export function promptMs(work: Work, speed: Speed, tokens: number): number {
  const layers = sum(work, (type, layers) => layers * rateOf(speed.prefillMs, type));
  const head = sum(work, (type, _, head) => head * rateOf(speed.decodeMs, type)); // of the last token alone
  const lookingBack = (tokens * (tokens - 1)) / 2;
  return (
    tokens * (layers + work.activations * speed.activationMs) +
    lookingBack * work.attention * speed.prefillAttendMs +
    Math.ceil(tokens / CHUNK) * work.layers * speed.layerMs +
    head
  );
}

/** First word and speed, as `TYPICAL` has them. */
export function typicalCost(work: Work, speed: Speed): { firstTokenMs: number; tokensPerSecond: number } {
  return {
    firstTokenMs: promptMs(work, speed, TYPICAL.promptTokens),
    tokensPerSecond: 1000 / tokenMs(work, speed, TYPICAL.position),
  };
}

/** Weights are read as fast as they were when measured, as far as a cache may have held them; the rest comes from memory. */
function weightsMs(work: Work, { decodeMs, byteMs, cachedBytes }: Speed): number {
  const measured = sum(work, (type, layers, head) => (layers + head) * rateOf(decodeMs, type));
  const bytes = sum(work, (type, layers, head) => ((layers + head) * QUANTS[type].blockBytes) / QUANTS[type].blockSize);
  const cached = Math.min(1, cachedBytes / bytes);
  return cached * measured + (1 - cached) * Math.max(measured, bytes * byteMs);
}

/** The rate of a type that was measured, or of the measured one most like it. Throws where nothing was measured. */
function rateOf(rates: Readonly<Partial<Record<QuantName, number>>>, type: QuantName): number {
  const known = rates[type] ?? rates["Q8_0"];
  if (known !== undefined) return known;
  return Math.max(...Object.values(rates));
}

function sum(work: Work, cost: (type: QuantName, layers: number, head: number) => number): number {
  return work.matrices.reduce((total, { type, layers, head }) => total + cost(type, layers, head), 0);
}
