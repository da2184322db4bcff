// Everything in GPU memory but the weights: what flows between kernels, the KV cache, and where the run stands.
import type { CacheType } from "../base/backend.ts";
import type { Model } from "../base/model.ts";
import type { Buffers } from "./buffers.ts";

/** Logits of so many tokens fit at once. */
export const LOGIT_ROWS = 8;
/** Positions in one run of split attention, at least; the same as in shaders/splits.wgsl. */
export const SPLIT = 128;
export const MAX_SPLITS = 32;
/** Tokens the device keeps for JavaScript to fetch. */
export const PICKED = 62;
/** Bytes of Sampling of shaders/pick.wgsl. */
export const SAMPLING_BYTES = 112;

/** What flows between the kernels of experts. */
export interface ExpertMemory {
  readonly chosen: GPUBuffer; // [chunk, used] experts
  readonly portions: GPUBuffer; // [chunk, used] f32: their shares
  readonly jobs: GPUBuffer; // lengths [count], then lists [count, chunk] of places in `chosen`
  readonly inner: GPUBuffer; // [chunk, used, width] f32: gated
  readonly outer: GPUBuffer; // [chunk, used, width.hidden] f32: what mix.wgsl adds up
  /** Floats in a row of `inner`, a multiple of 32. */
  readonly width: number;
}

export interface Memory {
  readonly hidden: GPUBuffer; // [chunk, width.hidden] f32
  readonly scaled: GPUBuffer; // [chunk, width.hidden] f32: hidden times the next norm's weight; prefill: normalized
  readonly squares: GPUBuffer; // [chunk, width.hidden / 4] f32: sums of squares of hidden
  readonly codes: GPUBuffer; // [chunk, widest / 32, 3] vec4u, of experts for each: the input of a linear map in 8-bit integers (quantize.wgsl)
  readonly q: GPUBuffer; // [chunk, width.q] f32: queries; for a cache of bytes, then keys and values
  readonly attended: GPUBuffer; // [chunk, width.attended] f32
  readonly gate: GPUBuffer; // [chunk, width.gate] f32
  readonly routes: GPUBuffer; // [chunk, width.routes] f32: a router's products
  readonly logits: GPUBuffer; // [LOGIT_ROWS, vocab] f32
  readonly partials: GPUBuffer; // [heads, MAX_SPLITS, headDim + 2] f32
  readonly keys: readonly GPUBuffer[]; // a layer: [kv heads, context] rows, as shaders/cache_f16.wgsl or cache_int8.wgsl has them
  readonly values: readonly GPUBuffer[]; // likewise
  readonly turns: GPUBuffer; // [context, rope pairs] cos and sin, f32
  readonly state: GPUBuffer; // State of shaders/state.wgsl
  readonly sampling: GPUBuffer; // Sampling of shaders/pick.wgsl
  readonly ids: GPUBuffer; // [chunk] tokens to run
  readonly history: GPUBuffer; // [context] token at each position
  readonly picked: GPUBuffer; // step, stop, [PICKED] tokens
  /** Floats in a row. A row that a linear map reads is filled up with zeros to a multiple of 32. */
  readonly width: {
    readonly hidden: number;
    readonly q: number;
    readonly attended: number;
    readonly gate: number;
    readonly routes: number;
    readonly logits: number;
  };
  /** Null where the model has no experts. */
  readonly experts: ExpertMemory | null;
  /** Most tokens at a time. */
  readonly chunk: number;
  /** Eights of dimensions in a head. */
  readonly head8: number;
  readonly cache: CacheType;
  readonly contextLength: number;
}

/** Bytes of a key in the cache. */
export function rowBytes(cache: CacheType, headDim: number): number {
  const head8 = Math.ceil(headDim / 8);
  return cache === "f16" ? 16 * head8 : 8 * (head8 + Math.ceil(head8 / 16));
}

/** Makes the buffers of a model for contexts of `contextLength` and up to `chunk` tokens at a time. */
export function makeMemory(
  buffers: Buffers,
  { shape, rope, segments }: Model,
  contextLength: number,
  chunk: number,
  cacheType: CacheType = "f16",
): Memory {
  const { dim, heads, kvHeads, headDim, ffnDim, vocab, layers } = shape;
  const pad = (width: number): number => Math.ceil(width / 32) * 32;
  const rows = heads + (cacheType === "int8" ? 2 * kvHeads : 0);
  const expert = segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "experts" ? [step] : [])))[0] ?? null;
  const width = {
    hidden: pad(dim),
    q: rows * headDim,
    attended: pad(heads * headDim),
    gate: pad(ffnDim),
    routes: expert?.count ?? 0,
    logits: vocab,
  };
  const inner = expert ? pad(expert.down.cols) : 0;
  const codes = Math.max(width.hidden, width.attended, width.gate, inner * (expert?.used ?? 0));
  const floats = (label: string, rows: number, columns: number): GPUBuffer => buffers.storage(label, 4 * rows * columns);
  const cache = (name: string): GPUBuffer[] =>
    Array.from({ length: layers }, (_, layer) =>
      buffers.storage(`${name} ${layer}`, kvHeads * contextLength * rowBytes(cacheType, headDim)),
    );
  const memory = {
    hidden: floats("hidden", chunk, width.hidden),
    scaled: floats("scaled", chunk, width.hidden),
    squares: floats("squares", chunk, width.hidden / 4),
    codes: floats("codes", chunk, (codes / 32) * 12),
    q: floats("q", chunk, width.q),
    attended: floats("attended", chunk, width.attended),
    gate: floats("gate", chunk, width.gate),
    routes: floats("routes", chunk, width.routes),
    logits: floats("logits", LOGIT_ROWS, vocab),
    partials: floats("partials", heads * MAX_SPLITS, headDim + 2),
    keys: cache("keys"),
    values: cache("values"),
    turns: floats("turns", contextLength, rope.dims),
    state: buffers.storage("state", 32, GPUBufferUsage.UNIFORM),
    sampling: buffers.make("sampling", SAMPLING_BYTES, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
    ids: floats("ids", 1, chunk),
    history: floats("history", 1, contextLength),
    picked: floats("picked", 1, PICKED + 2),
    width,
    experts: expert && {
      chosen: floats("chosen", chunk, expert.used),
      portions: floats("portions", chunk, expert.used),
      jobs: floats("jobs", 1 + chunk, expert.count),
      inner: floats("inner", chunk * expert.used, inner),
      outer: floats("outer", chunk * expert.used, width.hidden),
      width: inner,
    },
    chunk,
    head8: Math.ceil(headDim / 8),
    cache: cacheType,
    contextLength,
  };
  writeTurns(buffers.device, memory.turns, rope.frequencies, rope.magnitude, contextLength);
  return memory;
}

/** WGSL's own sin and cos may be off by 2^-11: the angles are looked up instead. */
function writeTurns(
  device: GPUDevice,
  turns: GPUBuffer,
  frequencies: Float32Array,
  magnitude: number,
  contextLength: number,
): void {
  const pairs = frequencies.length;
  const table = new Float32Array(contextLength * pairs * 2);
  for (let position = 0, at = 0; position < contextLength; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * frequencies[pair]!;
      table[at++] = Math.cos(angle) * magnitude;
      table[at++] = Math.sin(angle) * magnitude;
    }
  }
  device.queue.writeBuffer(turns, 0, table);
}
