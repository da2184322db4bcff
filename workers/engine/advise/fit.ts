// How much memory a model takes, and the longest context there is memory for.
import type { Prediction } from "../base/advice.ts";
import type { Model } from "../base/model.ts";
import { headPad, kvBytes } from "../cpu/cache.ts";
import { BANK_BYTES, CHUNK, MOST_THREADS, place } from "../cpu/place.ts";
import { RUN } from "../cpu/assembly/words.ts";
import { LEVELS } from "../cpu/kernels.ts";
import { neededTensors } from "../weights/plan.ts";

/** Memory as far as it is known. */
export interface Memory {
  readonly bytes: number;
  /** The browser doesn't say: a guess that most devices of its kind keep. */
  readonly guessed: boolean;
  /** The largest piece of WASM memory the browser gives. */
  readonly bankBytes: number;
}

/** The share of the device's memory that a model may take unnoticed, and the most that is worth trying. */
const ROOMY = 0.5;
const TIGHT = 0.75;
/** A context that is worth having. */
const SHORT = 1024;
/** Cache of a context nobody asked for, at most: as both backends have it. */
const USUAL_CACHE_BYTES = 2 ** 30;
/** Work space of the GPU backend, staging and pipelines included. */
const GPU_WORK_BYTES = 96 * 2 ** 20;

export type Fit = Pick<Prediction, "fit" | "memoryBytes" | "contextLength">;

/** How a model fits into WASM memory. */
export function fitCpu(model: Model, memory: Memory, threads: number): Fit {
  const need = (positions: number): number | null => {
    const sizes = {
      chunk: CHUNK,
      contextLength: Math.ceil(positions / RUN) * RUN,
      maxThreads: Math.min(threads, MOST_THREADS),
      wordBytes: LEVELS.plain.wordBytes,
      bankBytes: Math.min(memory.bankBytes, BANK_BYTES),
    };
    try {
      return place(model, sizes).banks.reduce((sum, { arena }) => sum + arena.sizeBytes, 0);
    } catch {
      return null; // a layer that no piece of memory holds
    }
  };
  return fit(model, memory, need, 2 * model.shape.layers * kvBytes(model, 1));
}

/** How a model fits into the memory of a graphics card that gives `bufferBytes` in one piece. */
export function fitGpu(model: Model, memory: Memory, bufferBytes: number): Fit {
  const positionBytes = 2 * model.shape.layers * model.shape.kvHeads * headPad(model) * 2;
  const weights = neededTensors(model).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const most = Math.floor(bufferBytes / (positionBytes / model.shape.layers / 2)); // keys of a layer lie in one buffer
  return fit(model, memory, (positions) => weights + GPU_WORK_BYTES + positions * positionBytes, positionBytes, most);
}

/** `need` gives the bytes for so many positions, null where no memory would do. */
function fit(
  { shape }: Model,
  memory: Memory,
  need: (positions: number) => number | null,
  positionBytes: number,
  most = Infinity,
): Fit {
  const usual = Math.min(shape.contextLength, Math.floor(USUAL_CACHE_BYTES / positionBytes / RUN) * RUN);
  const short = Math.min(SHORT, shape.contextLength);
  const contextLength = longest(need, short, Math.min(shape.contextLength, most), memory.bytes * TIGHT);
  const memoryBytes = need(contextLength > 0 ? Math.min(usual, contextLength) : short) ?? memory.bytes;
  if (contextLength === 0) return { fit: "no", memoryBytes, contextLength };
  return { fit: memoryBytes <= memory.bytes * ROOMY ? "yes" : "tight", memoryBytes, contextLength };
}

/** The most positions, from `least` to `most`, that stay within so many bytes; 0 where not even the least do. */
function longest(need: (positions: number) => number | null, least: number, most: number, bytes: number): number {
  const within = (positions: number): boolean => (need(positions) ?? Infinity) <= bytes;
  if (within(most)) return most;
  const [few, more] = [need(least), need(2 * least)];
  if (few === null || few > bytes) return 0;
  // Bytes grow evenly with positions but for the work space of another bank, or end where a piece of memory is too small.
  let positions = most;
  if (more !== null) positions = Math.min(most, least + Math.floor(((bytes - few) / (more - few)) * (least / RUN)) * RUN);
  while (positions > least && !within(positions)) positions -= Math.max(RUN, Math.floor(positions / 16 / RUN) * RUN);
  return Math.max(least, positions);
}

/** What the device has. `memoryBytes`: as the browser tells, null where it doesn't. */
export function memoryOf(memoryBytes: number | null, cores: number): Memory {
  const guess = cores >= 8 ? 8 * 2 ** 30 : 4 * 2 ** 30;
  return { bytes: memoryBytes ?? guess, guessed: memoryBytes === null, bankBytes: largestBank() };
}

/** The largest piece of WASM memory to be had: phones give less than the 3 GiB of a desktop. Only addresses are taken, and let go. */
function largestBank(): number {
  for (let bytes = BANK_BYTES; bytes > 2 ** 28; bytes /= 2) {
    try {
      return new WebAssembly.Memory({ initial: bytes / 65536, maximum: bytes / 65536 }).buffer.byteLength;
    } catch {
      // the next smaller one
    }
  }
  return 2 ** 28;
}
