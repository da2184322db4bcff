// Small models with what most LLaMAs lack, and how far a GPU is from the truth of them.
import { QUANTS } from "../../../../shaders/quant/index.ts";
import type { Adapter, LowRank } from "../../../../workers/engine/base/adapter.ts";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import type { Model, Shape, Step, Tensor } from "../../../../workers/engine/base/model.ts";
import { tensorsOf } from "../../../../workers/engine/base/model.ts";
import { random } from "../../../../workers/engine/base/random.ts";
import { GpuBackend } from "../../../../workers/engine/gpu/backend.ts";
import { openDevice } from "../../../../workers/engine/gpu/device.ts";
import { type BytesOf, referenceLogits } from "../../../../workers/engine/gpu/reference.ts";
import { testModel } from "../../../../workers/engine/gpu/selftest.ts";
import { TIERS, type TierName } from "../../../../workers/engine/gpu/tiers.ts";
import { nodeHost } from "../../../shaders/dawn.ts";

export const SHAPE: Shape = {
  layers: 1,
  dim: 64,
  ffnDim: 96,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 96,
  contextLength: 512,
  epsilon: 1e-5,
};

/** A model and its weights. */
export interface Tailored {
  readonly model: Model;
  readonly bytesOf: BytesOf;
}

/** The same with other steps; tensors whose bytes are not given keep theirs. */
function withSteps({ model, bytesOf }: Tailored, change: (step: Step) => Step, bytes = new Map<string, Uint8Array>()): Tailored {
  const segments = model.segments.map(({ name, steps }) => {
    const changed = steps.map(change);
    return { name, steps: changed, needs: changed.flatMap(tensorsOf) };
  });
  return { model: { ...model, segments }, bytesOf: (tensor) => bytes.get(tensor.name) ?? bytesOf(tensor) };
}

/** A tensor of floats from a hash, about `size` large. */
function floatsTensor(bytes: Map<string, Uint8Array>, name: string, rows: number, cols: number, size: number): Tensor {
  const floats = Float32Array.from({ length: rows * cols }, (_, i) => (random(99 + name.length, i) - 0.5) * 2 * size);
  bytes.set(name, new Uint8Array(floats.buffer));
  return { name, type: "F32", rows, cols, offset: 0, sizeBytes: floats.byteLength };
}

/** A LLaMA of one layer. */
export function plain(shape = SHAPE): Tailored {
  return testModel(shape);
}

/** With a bias of every linear map but k and up, beside maps that have one. */
export function biased(): Tailored {
  const bytes = new Map<string, Uint8Array>();
  const change = (step: Step): Step => {
    if (step.op !== "linear" || ["k", "up"].includes(step.weight.name)) return step;
    return { ...step, bias: floatsTensor(bytes, `bias of ${step.weight.name}`, 1, step.weight.rows, 0.7) };
  };
  return withSteps(plain(), change, bytes);
}

/** Changes of these weights, of different ranks. */
export function lowRank({ model }: Tailored, names: readonly string[], seed: number): Adapter {
  const changes = new Map<string, LowRank>();
  for (const { weight } of model.segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "linear" ? [step] : [])))) {
    if (!names.includes(weight.name)) continue;
    const rank = 1 + ((seed + weight.name.length) % 5);
    const floats = (length: number, size: number): Float32Array =>
      Float32Array.from({ length }, (_, i) => (random(seed + length, i) - 0.5) * size);
    changes.set(weight.name, { rank, a: floats(rank * weight.cols, 0.5), b: floats(weight.rows * rank, 0.5) });
  }
  return { lowRank: changes, prompts: new Map() };
}

/** A learned prompt of the layer, of so many positions. */
export function prompt({ model }: Tailored, length: number): Adapter {
  const { heads, kvHeads, headDim } = model.shape;
  const floats = (seed: number, size: number): Float32Array =>
    Float32Array.from({ length: size }, (_, i) => 3 * (random(seed, i) - 0.5));
  const [keys, values] = [floats(1, length * kvHeads * headDim), floats(2, length * kvHeads * headDim)];
  return { lowRank: new Map(), prompts: new Map([[0, { length, keys, values, gates: floats(3, heads) }]]) };
}

/** A LLaMA whose tokens see so many positions. */
export function windowed(window: number): Tailored {
  return withSteps(plain(), (step) => (step.op === "attend" ? { ...step, window } : step));
}

/** A LLaMA whose feed-forward network is 2 of 5 experts. */
export function mixed(): Tailored {
  const bytes = new Map<string, Uint8Array>();
  const { dim, ffnDim } = SHAPE;
  const count = 5;
  const quantized = (name: string, type: "Q4_0" | "Q5_1", rows: number, cols: number): Tensor => {
    const floats = new Map<string, Uint8Array>();
    floatsTensor(floats, name, rows, cols, 2 / Math.sqrt(cols));
    const { blockSize, blockBytes, quantize } = QUANTS[type];
    const packed = new Uint8Array(((rows * cols) / blockSize) * blockBytes);
    quantize!(new Float32Array(floats.get(name)!.buffer), packed);
    bytes.set(name, packed);
    return { name, type, rows, cols, offset: 0, sizeBytes: packed.length };
  };
  const router = floatsTensor(bytes, "router", count, dim, 1); // large: no expert is chosen by a hair
  const gate = quantized("gates", "Q4_0", count * ffnDim, dim);
  const up = quantized("all ups", "Q4_0", count * ffnDim, dim);
  const down = quantized("the downs", "Q5_1", count * dim, ffnDim);
  const base = plain();
  const segments = base.model.segments.map(({ name, steps }) => {
    const dense = steps.find((step) => step.op === "linear" && step.weight.name === "gate");
    if (dense?.op !== "linear") return { name, steps, needs: steps.flatMap(tensorsOf) };
    const kept = steps.filter((step) => !("weight" in step && ["gate", "up", "down"].includes(step.weight.name)));
    const changed: Step[] = [...kept, { op: "experts", norm: dense.norm!, router, gate, up, down, count, used: 2 }];
    return { name, steps: changed, needs: changed.flatMap(tensorsOf) };
  });
  return { model: { ...base.model, segments }, bytesOf: (tensor) => bytes.get(tensor.name) ?? base.bytesOf(tensor) };
}

/** Pieces a text is run in: a few, many, one and one again. */
const RUNS = [3, 40, 1, 1];

/** A backend of a tier, with the model in it; nothing is measured. `bindingBytes`: what the GPU is said to bind at most. */
export async function opened(
  gpu: GPU,
  { model, bytesOf }: Tailored,
  tier: TierName,
  cache: "f16" | "int8" = "f16",
  bindingBytes?: number,
): Promise<Backend> {
  const many = ({ T0: "few", T1: "tiles", T2: "tiles", T3: "tiles_int8" } as const)[tier];
  const tuning = { lanes: { 64: { threads: 64, lanes: tier === "T0" ? 1 : 8 } }, many, milliseconds: 0 };
  const device = await openDevice(nodeHost(gpu));
  const choice = { tier: TIERS.find(({ name }) => name === tier)!, tuning, reason: "" };
  const chooser = { recall: async () => null, choose: async () => choice };
  const limited = { ...device, ...(bindingBytes && { bindingBytes }) };
  const backend = new GpuBackend(limited, model, model.shape.contextLength, () => performance.now(), chooser, cache);
  for (const tensor of new Set(model.segments.flatMap(({ needs }) => needs))) await backend.write(tensor, 0, bytesOf(tensor));
  await backend.ready();
  return backend;
}

/** RMS error of the logits, relative to their RMS, over a text run in pieces. */
export async function errorOf(
  backend: Backend,
  { model, bytesOf }: Tailored,
  applied: readonly { readonly adapter: Adapter; readonly scale: number }[] = [],
  runs = RUNS,
): Promise<number> {
  const { vocab } = model.shape;
  const tokens = Array.from({ length: runs.reduce((a, b) => a + b) }, (_, i) => (i * 37) % vocab);
  const truth = referenceLogits(model, bytesOf, tokens, applied);
  let [at, error, size] = [0, 0, 0];
  for (const count of runs) {
    const found = await backend.forward(Uint32Array.from(tokens.slice(at, at + count)), at, "all");
    for (const [i, value] of found.entries()) {
      error += (value - truth[at * vocab + i]!) ** 2;
      size += truth[at * vocab + i]! ** 2;
    }
    at += count;
  }
  return Math.sqrt(error / size);
}
