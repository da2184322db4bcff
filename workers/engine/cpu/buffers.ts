// What every bank has beside weights and cache: buffers between ops, the program, threads' scratch, slots of rows to pack.
import { EngineError } from "../base/errors.ts";
import type { Experts, Model } from "../base/model.ts";
import type { Arena } from "./arena.ts";
import * as words from "./assembly/words.ts";
import { headPad } from "./cache.ts";
import { WIDE_BLOCK_BYTES } from "./requantize.ts";

/** Addresses of what every bank has; sizes as in words.ts. `chunk` tokens have room. */
export interface Buffers {
  readonly program: number;
  readonly ids: number; // u32 [chunk]
  readonly rope: number; // f32 [chunk][ropeDims]
  readonly hidden: number; // f32 [chunk][dim]
  readonly queries: number; // f32 [chunk][heads · headDim]
  readonly attended: number; // f32 [chunk][heads · headDim]
  readonly input: Activations; // of a normed or attended vector, for several tokens
  readonly gate: Activations; // of silu(gate) · up
  readonly experts: ExpertBuffers | null;
  readonly partials: number;
  readonly counters: number;
  readonly scratch: number;
  readonly slots: number;
}

/** What a mixture of experts works in. A row is a token's choice of an expert: see assembly/experts.ts. */
export interface ExpertBuffers {
  readonly router: number; // f32 [chunk][experts]
  readonly table: number;
  readonly input: Activations; // [rows][dim]
  readonly outputs: number; // f32 [rows][dim]
}

export interface Activations {
  readonly quants: number;
  readonly floats: number;
}

export interface Sizes {
  readonly chunk: number;
  /** Positions, a multiple of RUN. */
  readonly contextLength: number;
  readonly maxThreads: number;
  /** Bytes of four activations at the chosen level. */
  readonly wordBytes: number;
  readonly bankBytes: number;
  /** All banks together; what of the weights exceeds it is read anew for each pass. Infinite where this is not given. */
  readonly memoryBytes?: number | undefined;
}

/** Bytes of a slot that rows wait in to be packed: a tenth of a millisecond of work. At least eight rows of the widest tensor. */
const LEAST_SLOT_BYTES = 2 ** 18;
/** Bytes of the code words of a layer with some ten adapters in use; the plan says if it was too little. */
const PROGRAM_BYTES_PER_SEGMENT = 8192;

/** Takes the buffers of a bank. Throws `unsupported_architecture` for more experts than the kernels choose from. */
export function takeBuffers(arena: Arena, model: Model, { chunk, contextLength, maxThreads, wordBytes }: Sizes): Buffers {
  const { dim, heads, headDim, ffnDim } = model.shape;
  const activations = (width: number, rows = chunk): Activations => ({
    quants: arena.take(rows * Math.ceil(width / 32) * blockBytes(wordBytes)),
    floats: arena.take(rows * width * 4), // of weights that are floats, and of adapters
  });
  const mixture = mixtureOf(model);
  const rows = mixture ? chunk * mixture.used + 4 * mixture.count : chunk; // each expert's start at a multiple of four
  return {
    program: arena.take(model.segments.length * PROGRAM_BYTES_PER_SEGMENT),
    ids: arena.take(chunk * 4),
    rope: arena.take(chunk * model.rope.dims * 4),
    hidden: arena.take(chunk * dim * 4),
    queries: arena.take(chunk * heads * headDim * 4),
    attended: arena.take(chunk * heads * headDim * 4),
    input: activations(Math.max(dim, heads * headDim)),
    gate: activations(ffnDim, rows),
    experts: mixture && {
      router: arena.take(chunk * mixture.count * 4),
      table: arena.take(words.TABLE_BYTES),
      input: activations(dim, rows),
      outputs: arena.take(rows * dim * 4),
    },
    partials: arena.take(partialRows(model) * (contextLength / words.RUN) * (headPad(model) + 4) * 4),
    counters: arena.take(partialRows(model) * 4),
    scratch: arena.take(scratchBytes(model, wordBytes) * maxThreads),
    slots: arena.take(words.SLOTS * slotBytes(model)),
  };
}

/** Bytes of a block of 32 activations. */
export function blockBytes(wordBytes: number): number {
  return 8 * wordBytes + 16;
}

/** Query rows of partial attention results there is room for. */
export function partialRows(model: Model): number {
  return 4 * model.shape.heads;
}

/** Scratch of one thread: attention, then activations of its own, then eight rows unpacked. */
export function scratchBytes(model: Model, wordBytes: number): number {
  return codesAt(model, wordBytes) + unpackedBytes(model, wordBytes);
}

/** Where in a thread's scratch eight rows are unpacked. */
export function codesAt(model: Model, wordBytes: number): number {
  const { dim, heads, headDim } = model.shape;
  const width = Math.max(dim, heads * headDim);
  const own = Math.ceil(width / 32) * blockBytes(wordBytes) + width * 4;
  return Math.ceil((words.S_ATTEND + (3 * words.TILE_ROWS + words.RUN) * headPad(model) * 4 + own) / 64) * 64;
}

/** Bytes of eight rows of the widest matrix as codes, with scales and minimums for every 16 columns: see assembly/codes.ts. */
function unpackedBytes({ shape: { dim, ffnDim, heads, headDim } }: Model, wordBytes: number): number {
  const cols = Math.max(dim, ffnDim, heads * headDim);
  return Math.ceil(cols / 32) * (64 * wordBytes + 128);
}

/** Bytes of a slot: rows as they lie in the file, or requantized. */
export function slotBytes(model: Model): number {
  const tensors = model.segments.flatMap(({ needs }) => needs);
  const widest = tensors.map((tensor) => Math.max(tensor.sizeBytes / tensor.rows, (tensor.cols / 32) * WIDE_BLOCK_BYTES));
  return Math.ceil(Math.max(LEAST_SLOT_BYTES, 8 * Math.max(...widest)) / 64) * 64;
}

/** The experts that a model's layers choose from, all layers alike; null where it has none. Throws `unsupported_architecture`. */
function mixtureOf({ segments }: Model): Experts | null {
  const mixture = segments.flatMap(({ steps }) => steps).find((step) => step.op === "experts") ?? null;
  if (!mixture || (mixture.count <= words.MAX_EXPERTS && mixture.used <= words.MAX_USED)) return mixture;
  throw new EngineError(
    "unsupported_architecture",
    `A token of this model takes ${mixture.used} of ${mixture.count} experts; Cria runs up to ${words.MAX_USED} of ${words.MAX_EXPERTS}.`,
    "Choose a smaller model.",
  );
}
