// Measures the processor with small models through the real engine: one of many narrow layers, and for each tensor type one of two
// wide layers. Their weights are zeros, which take as long as any others; they are written, as untouched memory is no memory yet.
import type { QuantName } from "../../../shaders/quant/index.ts";
import type { Backend } from "../base/backend.ts";
import type { Host } from "../base/host.ts";
import type { Model, Shape, Tensor } from "../base/model.ts";
import { isNative } from "../cpu/layouts.ts";
import { neededTensors } from "../weights/plan.ts";
import type { Speed } from "./cost.ts";
import { plainModel } from "./sketch.ts";
import { workOf } from "./work.ts";

/** Layers so small that what surrounds the products shows, and room to look back. */
const NARROW: Shape = {
  layers: 8,
  dim: 512,
  ffnDim: 1536,
  heads: 8,
  kvHeads: 4,
  headDim: 64,
  vocab: 256,
  contextLength: 1280,
  epsilon: 1e-5,
};
/** 88 million weights: more than most processors cache. */
const WIDE: Shape = { ...NARROW, layers: 2, dim: 2048, ffnDim: 5632, heads: 32, contextLength: 256 };
/** 352 million weights: what comes from memory, whatever the caches. Read once for a device, one token at a time. */
const LARGE: Shape = { ...WIDE, layers: 8 };
/** How far the narrow one looks back. */
const FAR = 1024;
const MANY = 64;
const WRITE_BYTES = 2 ** 20;

/** What the processor does, and how: "relaxed32", 2 threads. */
export interface CpuSpeed extends Speed {
  readonly tier: string;
  readonly threads: number;
}

/** Milliseconds of one token and of MANY tokens, near the start and, where there is room, FAR from it. */
interface Times {
  readonly one: number;
  readonly many: number;
  readonly oneFar: number;
  readonly manyFar: number;
}

/** The type whose speed stands for a type: those without kernels of their own rest at 8 bits. */
export function measuredType(type: QuantName): QuantName {
  return isNative(type) ? type : "Q8_0";
}

/**
 * Measures the types, a few tenths of a second each, and about a second for what is measured once; `known` is what was measured before, and is added to.
 * Throws `no_wasm_simd`, `out_of_memory`.
 */
export async function measureCpu(host: Host, types: readonly QuantName[], known: CpuSpeed | null): Promise<CpuSpeed> {
  const wanted = types.filter((type) => known?.decodeMs[type] === undefined);
  let speed = known;
  for (const type of wanted) {
    const model = plainModel(WIDE, type);
    const { times, backend } = await timeModel(host, model);
    const work = workOf(model);
    const weights = work.matrices.reduce((sum, { layers, head }) => sum + layers + head, 0);
    if (speed) {
      const one = (times.one - work.layers * speed.layerMs) / weights;
      const many = times.many / MANY - work.activations * speed.activationMs;
      speed = {
        ...speed,
        decodeMs: { ...speed.decodeMs, [type]: Math.max(one, 0) },
        prefillMs: { ...speed.prefillMs, [type]: Math.max(many / weights, 0) },
      };
      continue;
    }
    const { tier, threads } = backend;
    const narrow = plainModel(NARROW, type);
    const separated = separate(type, narrow, (await timeModel(host, narrow)).times, model, times);
    const large = plainModel(LARGE, type);
    // a device that has no room for it has none for models that its caches do not hold either
    const one = await timeModel(host, large, true).then(
      ({ times }) => times.one,
      () => 0,
    );
    const byteMs = Math.max(0, one - LARGE.layers * separated.layerMs) / bytesOf(large);
    speed = { tier, threads, ...separated, byteMs, cachedBytes: bytesOf(model) };
  }
  return speed!;
}

/** What a weight costs and what a layer costs, from two models that have different shares of both. */
function separate(
  type: QuantName,
  narrow: Model,
  narrowTimes: Times,
  wide: Model,
  wideTimes: Times,
): Omit<Speed, "byteMs" | "cachedBytes"> {
  const [a, b] = [workOf(narrow), workOf(wide)];
  const weights = (work: typeof a): number => work.matrices.reduce((sum, { layers, head }) => sum + layers + head, 0);
  const one = solve([weights(a), a.layers, narrowTimes.one], [weights(b), b.layers, wideTimes.one]);
  const many = solve([weights(a), a.activations, narrowTimes.many / MANY], [weights(b), b.activations, wideTimes.many / MANY]);
  const lookingBack = FAR * a.attention;
  return {
    decodeMs: { [type]: one.x },
    prefillMs: { [type]: many.x },
    layerMs: one.y,
    activationMs: many.y,
    attendMs: Math.max(0, narrowTimes.oneFar - narrowTimes.one) / lookingBack,
    prefillAttendMs: Math.max(0, narrowTimes.manyFar - narrowTimes.many) / (MANY * lookingBack),
  };
}

/** x and y of two equations x * p + y * q = t, neither below zero: noise must not make anything free. */
function solve(
  [p1, q1, t1]: readonly [number, number, number],
  [p2, q2, t2]: readonly [number, number, number],
): { x: number; y: number } {
  const determinant = p1 * q2 - p2 * q1;
  const x = (t1 * q2 - t2 * q1) / determinant;
  const y = (p1 * t2 - p2 * t1) / determinant;
  if (y < 0) return { x: t2 / p2, y: 0 };
  return x < 0 ? { x: 0, y: t1 / q1 } : { x, y };
}

function bytesOf(model: Model): number {
  return neededTensors(model).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Times of a model; with `oneAlone` only of single tokens. */
async function timeModel(host: Host, model: Model, oneAlone = false): Promise<{ times: Times; backend: Backend["info"] }> {
  const { openCpu } = await import("../cpu/open.ts");
  const backend = await openCpu(host, model, model.shape.contextLength);
  try {
    for (const tensor of neededTensors(model)) await writeZeros(backend, tensor);
    await backend.ready();
    const time = (tokens: number, at: number, repeats: number): Promise<number> =>
      medianOf(repeats, async () => {
        const start = host.now();
        await backend.forward(new Uint32Array(tokens), at, "last");
        return host.now() - start;
      });
    const far = FAR + MANY <= model.shape.contextLength ? FAR : 0;
    const times = {
      one: await time(1, 0, oneAlone ? 5 : 15),
      // browsers compile the kernels again while they first run
      many: oneAlone ? 0 : (await time(MANY, 0, 2), await time(MANY, 0, 3)),
      oneFar: far > 0 ? await time(1, far, 5) : 0,
      manyFar: far > 0 ? await time(MANY, far, 2) : 0,
    };
    return { times, backend: backend.info };
  } finally {
    backend.dispose();
  }
}

async function writeZeros(backend: Backend, tensor: Tensor): Promise<void> {
  const rowBytes = tensor.sizeBytes / tensor.rows;
  const step = Math.max(1, Math.floor(WRITE_BYTES / rowBytes / backend.rowGroup)) * backend.rowGroup;
  const zeros = new Uint8Array(Math.min(step, tensor.rows) * rowBytes);
  for (let row = 0; row < tensor.rows; row += step) {
    await backend.write(tensor, row, zeros.subarray(0, Math.min(step, tensor.rows - row) * rowBytes));
  }
}

/** The median, which few disturbances reach. */
async function medianOf(repeats: number, measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) times.push(await measure());
  return times.sort((a, b) => a - b)[repeats >> 1]!;
}
