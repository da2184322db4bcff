// Decides which bank holds which segment, and where in it everything lies.
import { EngineError } from "../base/errors.ts";
import type { Model, Segment } from "../base/model.ts";
import { Arena } from "./arena.ts";
import { type Buffers, type Sizes, takeBuffers } from "./buffers.ts";
import { type Cache, type CacheForm, cacheFormOf, kvBytes } from "./cache.ts";
import { fuse, type FusedOp } from "./fuse.ts";
import { isVector, type Layout, layoutOf, matrixBytes } from "./layouts.ts";

/** A weight in a bank: a packed matrix, or a vector of floats (layout null). */
export interface Placed {
  readonly bank: number;
  readonly at: number;
  readonly layout: Layout | null;
  /** It is there only while its layer has a slot. */
  readonly streamed: boolean;
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

/** Most tokens of one `forward`. */
export const CHUNK = 128;
/** More threads than this wait for memory, not for each other. */
export const MOST_THREADS = 16;
/** A bank stays clear of the 4 GiB a 32-bit address reaches: browsers refuse more than about 3. */
export const BANK_BYTES = 3 * 2 ** 30;
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

/** Bytes of a layer's matrices, each on a cache line of its own. */
function slotOf({ needs }: Segment, model: Model): number {
  const matrices = needs.filter((tensor) => !isVector(model, tensor));
  return matrices.reduce((sum, { type, rows, cols }) => sum + Math.ceil(matrixBytes(layoutOf(type), rows, cols) / 64) * 64, 0);
}

function segmentBytes(segment: Segment, model: Model, placed: ReadonlyMap<string, Placed>): number {
  const fresh = segment.needs.filter((tensor) => !placed.has(tensor.name) && !isVector(model, tensor));
  return fresh.reduce((sum, tensor) => sum + matrixBytes(layoutOf(tensor.type), tensor.rows, tensor.cols) + 64, 65536);
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
