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
 * Measures the types, about a tenth of a second each and three tenths for the rest; `known` is what was measured before, and is added to.
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
    speed = {
      tier,
      threads,
      ...separate(type, plainModel(NARROW, type), (await timeModel(host, plainModel(NARROW, type))).times, model, times),
    };
  }
  return speed!;
}

/** What a weight costs and what a layer costs, from two models that have different shares of both. */
function separate(type: QuantName, narrow: Model, narrowTimes: Times, wide: Model, wideTimes: Times): Speed {
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

async function timeModel(host: Host, model: Model): Promise<{ times: Times; backend: Backend["info"] }> {
  const { openCpu } = await import("../cpu/open.ts");
  const backend = await openCpu(host, model, model.shape.contextLength);
  try {
    for (const tensor of neededTensors(model)) await writeZeros(backend, tensor);
    await backend.ready();
    const time = (tokens: number, at: number, repeats: number): Promise<number> =>
      undisturbed(repeats, async () => {
        const start = host.now();
        await backend.forward(new Uint32Array(tokens), at, "last");
        return host.now() - start;
      });
    const far = FAR + MANY <= model.shape.contextLength ? FAR : 0;
    const times = {
      one: await time(1, 0, 9),
      many: await time(MANY, 0, 2),
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

/** The lower quartile: what others took of the processor meanwhile is no property of the model. */
async function undisturbed(repeats: number, measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) times.push(await measure());
  return times.sort((a, b) => a - b)[(repeats - 1) >> 2]!;
}
