// Decides which bank holds which segment, and where in it everything lies.
import { EngineError } from "../base/errors.ts";
import type { Experts, Model, Segment, Tensor } from "../base/model.ts";
import * as words from "./assembly/words.ts";
import { Arena } from "./arena.ts";
import { fuse, type FusedOp } from "./fuse.ts";
import { type Layout, layoutOf, matrixBytes } from "./layouts.ts";
import { WIDE_BLOCK_BYTES } from "./requantize.ts";

/** A weight in a bank: a packed matrix, or a vector of floats (layout null). */
export interface Placed {
  readonly bank: number;
  readonly at: number;
  readonly layout: Layout | null;
  /** It is there only while its layer has a slot. */
  readonly streamed: boolean;
}

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

/** How keys and values are kept, with bytes of each: halves of bias 20 (assembly/half.ts), or floats. */
export const CACHE_FORMS = { half20: 2, f32: 4 } as const;
export type CacheForm = keyof typeof CACHE_FORMS;

/** A layer's cache. */
export interface Cache {
  readonly keys: number;
  readonly values: number;
}

export interface PlacedSegment {
  readonly name: string;
  readonly bank: number;
  readonly ops: readonly FusedOp[];
}

/** A model laid out in banks. */
export interface Placement {
  readonly segments: readonly PlacedSegment[];
  readonly tensors: ReadonlyMap<string, Placed>;
  readonly cacheForm: CacheForm;
  /** By layer. */
  readonly caches: readonly Cache[];
  readonly banks: readonly { readonly arena: Arena; readonly buffers: Buffers }[];
  /** Layers that share two slots, as indices of segments in their order; an even number, as even ones have the first slot. */
  readonly streamed: readonly number[];
  /** f32 [rows][vocab] at the end of the head's bank, where it can grow. */
  readonly logits: { readonly bank: number; readonly at: number };
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

/** Most tokens of one `forward`. */
export const CHUNK = 128;
/** More threads than this wait for memory, not for each other. */
export const MOST_THREADS = 16;
/** A bank stays clear of the 4 GiB a 32-bit address reaches: browsers refuse more than about 3. */
export const BANK_BYTES = 3 * 2 ** 30;
/** Bytes of a slot that rows wait in to be packed: a tenth of a millisecond of work. At least eight rows of the widest tensor. */
const LEAST_SLOT_BYTES = 2 ** 18;
/** Bytes of the code words of a layer with some ten adapters in use; the plan says if it was too little. */
const PROGRAM_BYTES_PER_SEGMENT = 8192;

/**
 * Lays a model out with as many layers at rest as memory has room for. Throws `out_of_memory` where a layer is too large, or not even two
 * layers at a time have room.
 */
export function place(model: Model, sizes: Sizes): Placement {
  const { memoryBytes = Infinity } = sizes;
  const layers = model.segments.filter(isLayer);
  const whole = layOut(model, sizes, layers.length);
  if (bankBytesOf(whole) <= memoryBytes) return whole;
  const fewest = layers.length % 2; // of an even number the rest are read in two slots
  const least = bankBytesOf(layOut(model, sizes, fewest));
  const layerBytes = Math.min(...layers.map((layer) => slotOf(layer, model)));
  const most = Math.min(layers.length - 4, fewest + 2 * Math.floor((memoryBytes - least) / layerBytes / 2));
  for (let resident = most; resident >= fewest; resident -= 2) {
    const placement = layOut(model, sizes, resident);
    if (bankBytesOf(placement) <= memoryBytes) return placement;
  }
  throw tooLittle(memoryBytes, least);
}

/** Bytes of all banks together. */
export function bankBytesOf({ banks }: Placement): number {
  return banks.reduce((sum, { arena }) => sum + arena.sizeBytes, 0);
}

/** Embedding and head first, which may share a tensor; then layers, bank after bank, the last of them in two slots. */
function layOut(model: Model, sizes: Sizes, resident: number): Placement {
  const tensors = new Map<string, Placed>();
  const caches: Cache[] = [];
  const banks: { arena: Arena; buffers: Buffers }[] = [];
  const addBank = (): void => {
    const arena = new Arena();
    banks.push({ arena, buffers: takeBuffers(arena, model, sizes) });
  };
  addBank();
  const cacheBytes = kvBytes(model, sizes.contextLength);
  const order = [...model.segments].sort((a, b) => Number(isLayer(a)) - Number(isLayer(b)));
  const bankOf = new Map<Segment, number>();
  const streamed = order.filter(isLayer).slice(resident);
  let slots: readonly number[] = [];
  for (const segment of order) {
    const turn = streamed.indexOf(segment);
    let bytes = segmentBytes(segment, model, tensors) + (isLayer(segment) ? 2 * cacheBytes : 0);
    if (turn >= 0) bytes = turn > 0 ? 0 : 2 * bytes + streamed.length * 2 * cacheBytes; // those that share slots share a bank
    if (banks.at(-1)!.arena.sizeBytes + bytes > sizes.bankBytes && isLayer(segment)) addBank();
    const bank = banks.length - 1;
    const { arena } = banks[bank]!;
    if (arena.sizeBytes + bytes > sizes.bankBytes) throw tooLarge(segment, bytes);
    if (turn === 0) {
      const slot = Math.max(...streamed.map((layer) => slotOf(layer, model)));
      slots = [arena.take(slot), arena.take(slot)];
    }
    let inSlot = slots[turn % 2] ?? 0;
    for (const tensor of segment.needs) {
      if (tensors.has(tensor.name)) continue;
      const layout = isVector(model, tensor) ? null : layoutOf(tensor.type);
      const size = layout ? matrixBytes(layout, tensor.rows, tensor.cols) : tensor.cols * 4;
      if (turn >= 0 && layout) {
        tensors.set(tensor.name, { bank, at: inSlot, layout, streamed: true });
        inSlot += Math.ceil(size / 64) * 64;
      } else tensors.set(tensor.name, { bank, at: arena.take(size), layout, streamed: false });
    }
    for (const step of segment.steps) {
      if (step.op === "attend") caches[step.layer] = { keys: arena.take(cacheBytes), values: arena.take(cacheBytes) };
    }
    bankOf.set(segment, bank);
  }
  const head = bankOf.get(model.segments.at(-1)!)!;
  const segments = model.segments.map((segment) => ({ name: segment.name, bank: bankOf.get(segment)!, ops: fuse(segment) }));
  return {
    segments,
    tensors,
    cacheForm: cacheFormOf(model),
    caches,
    banks,
    streamed: streamed.map((layer) => model.segments.indexOf(layer)),
    logits: { bank: head, at: banks[head]!.arena.take(model.shape.vocab * 4) },
  };
}

/** Head dim, up to whole strips of eight. */
export function headPad(model: Model): number {
  return Math.ceil(model.shape.headDim / 8) * 8;
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

function takeBuffers(arena: Arena, model: Model, { chunk, contextLength, maxThreads, wordBytes }: Sizes): Buffers {
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

/** Bytes of a slot: rows as they lie in the file, or requantized. */
export function slotBytes(model: Model): number {
  const tensors = model.segments.flatMap(({ needs }) => needs);
  const widest = tensors.map((tensor) => Math.max(tensor.sizeBytes / tensor.rows, (tensor.cols / 32) * WIDE_BLOCK_BYTES));
  return Math.ceil(Math.max(LEAST_SLOT_BYTES, 8 * Math.max(...widest)) / 64) * 64;
}

/** Bytes of the keys (or values) of a layer. */
export function kvBytes(model: Model, contextLength: number): number {
  return model.shape.kvHeads * contextLength * headPad(model) * CACHE_FORMS[cacheFormOf(model)];
}

/** Weights that are floats give logits to three places; halves in the cache would take one of them away. */
function cacheFormOf(model: Model): CacheForm {
  const matrices = model.segments.flatMap(({ needs }) => needs.filter((tensor) => !isVector(model, tensor)));
  return matrices.every(({ type }) => layoutOf(type).float) ? "f32" : "half20";
}

/** Bytes of a layer's matrices, each on a cache line of its own. */
function slotOf({ needs }: Segment, model: Model): number {
  const matrices = needs.filter((tensor) => !isVector(model, tensor));
  return matrices.reduce((sum, { type, rows, cols }) => sum + Math.ceil(matrixBytes(layoutOf(type), rows, cols) / 64) * 64, 0);
}

function segmentBytes(segment: Segment, model: Model, placed: ReadonlyMap<string, Placed>): number {
  const fresh = segment.needs.filter((tensor) => !placed.has(tensor.name) && !isVector(model, tensor));
  return fresh.reduce((sum, tensor) => sum + matrixBytes(layoutOf(tensor.type), tensor.rows, tensor.cols) + 64, 65536);
}

/** Norm weights and biases are vectors; a matrix may have one row too. */
export function isVector(model: Model, { name, rows }: Tensor): boolean {
  if (rows > 1) return false;
  return model.segments.some(({ steps }) =>
    steps.some((step) => {
      if (step.op === "linear") return step.norm?.weight.name === name || step.bias?.name === name;
      return step.op === "experts" && step.norm.weight.name === name;
    }),
  );
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

function isLayer(segment: Segment): boolean {
  return segment.steps.some((step) => step.op === "attend");
}

function tooLittle(memoryBytes: number, leastBytes: number): EngineError {
  const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
  return new EngineError(
    "out_of_memory",
    `This model needs ${megabytes(leastBytes)} of memory where two layers are held at a time; it may take ${megabytes(memoryBytes)}.`,
    "Allow it more memory, choose a smaller model or a shorter context.",
  );
}

function tooLarge(segment: Segment, bytes: number): EngineError {
  return new EngineError(
    "out_of_memory",
    `The ${segment.name} of this model needs ${(bytes / 2 ** 20).toFixed(0)} MB in one piece of WASM memory, more than a browser gives.`,
    "Choose a smaller model or a shorter context.",
  );
}
