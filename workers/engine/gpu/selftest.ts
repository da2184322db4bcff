// Runs a tiny model on the device and compares its logits with arithmetic done here: drivers have been seen to compute nonsense silently.
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";
import type { Quant } from "../../../shaders/quant/quant.ts";
import type { CacheType } from "../base/backend.ts";
import { tensorsOf, type Model, type Shape, type Step, type Tensor } from "../base/model.ts";
import { random } from "../base/random.ts";
import { GpuBackend } from "./backend.ts";
import type { Gpu } from "./device.ts";
import type { Tuning } from "./lanes.ts";
import { referenceLogits } from "./reference.ts";
import type { Tier } from "./tiers.ts";

const SHAPE: Shape = {
  layers: 1,
  dim: 64,
  ffnDim: 96,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 96,
  contextLength: 32,
  epsilon: 1e-5,
};
/** Positions run as a few, as many, and alone: every plan. */
const RUNS = [3, 12, 1];

/** RMS error of the logits on this tier, relative to their RMS. */
export async function selfTest(gpu: Gpu, tier: Tier, tuning: Tuning, now: () => number, cache?: CacheType): Promise<number> {
  const { model, bytesOf } = testModel(SHAPE);
  const tokens = Array.from({ length: RUNS.reduce((a, b) => a + b) }, (_, i) => (i * 37) % SHAPE.vocab);
  const truth = referenceLogits(model, bytesOf, tokens);
  const choice = { tier, tuning, reason: "" };
  const chooser = { recall: async () => null, choose: async () => choice };
  const backend = new GpuBackend(gpu, model, SHAPE.contextLength, now, chooser, cache);
  try {
    for (const tensor of new Set(model.segments.flatMap((segment) => segment.needs)))
      await backend.write(tensor, 0, bytesOf(tensor));
    await backend.ready();
    let at = 0;
    let error = 0;
    let size = 0;
    for (const count of RUNS) {
      const found = await backend.forward(Uint32Array.from(tokens.slice(at, at + count)), at, "all");
      found.forEach((value, i) => {
        const expected = truth[at * SHAPE.vocab + i]!;
        error += (value - expected) ** 2;
        size += expected ** 2;
      });
      at += count;
    }
    return Number.isFinite(error) ? Math.sqrt(error / size) : Infinity;
  } finally {
    backend.release();
  }
}

/** A LLaMA of one layer with weights from a hash, in the layouts that files mostly have. */
export function testModel(shape: Shape): { model: Model; bytesOf: (tensor: Tensor) => Uint8Array } {
  const bytes = new Map<string, Uint8Array>();
  const make = (name: string, type: QuantName, rows: number, cols: number): Tensor => {
    const seed = bytes.size;
    const floats = Float32Array.from({ length: rows * cols }, (_, i) => (random(seed, i) - 0.5) * (4 / Math.sqrt(cols)));
    if (rows === 1) floats.forEach((value, i) => (floats[i] = 1 + value));
    const { blockSize, blockBytes, quantize }: Quant = QUANTS[type];
    const packed = new Uint8Array((floats.length / blockSize) * blockBytes);
    if (type === "F32") packed.set(new Uint8Array(floats.buffer));
    else quantize?.(floats, packed);
    bytes.set(name, packed);
    return { name, type, rows, cols, offset: 0, sizeBytes: packed.length };
  };
  const { dim, ffnDim, heads, kvHeads, headDim, vocab, epsilon } = shape;
  const embedding = make("embedding", "Q8_0", vocab, dim);
  const first = { in: "hidden", norm: { weight: make("norm 1", "F32", 1, dim), epsilon } } as const;
  const second = { in: "hidden", norm: { weight: make("norm 2", "F32", 1, dim), epsilon } } as const;
  const last = { in: "hidden", norm: { weight: make("norm 3", "F32", 1, dim), epsilon } } as const;
  const layer: Step[] = [
    { op: "linear", ...first, weight: make("q", "Q4_0", heads * headDim, dim), out: "q", then: "rope" },
    { op: "linear", ...first, weight: make("k", "Q4_0", kvHeads * headDim, dim), out: "k", then: "rope" },
    { op: "linear", ...first, weight: make("v", "Q4_0", kvHeads * headDim, dim), out: "v", then: "store" },
    { op: "attend", layer: 0, scale: 1 / Math.sqrt(headDim) },
    { op: "linear", in: "attended", weight: make("o", "Q5_1", dim, heads * headDim), out: "hidden", then: "add" },
    { op: "linear", ...second, weight: make("gate", "Q4_1", ffnDim, dim), out: "gate", then: "store" },
    { op: "linear", ...second, weight: make("up", "Q4_1", ffnDim, dim), out: "gate", then: "silu_multiply" },
    { op: "linear", in: "gate", weight: make("down", "Q4_0", dim, ffnDim), out: "hidden", then: "add" },
  ];
  const segment = (name: string, steps: Step[]) => ({ name, steps, needs: steps.flatMap(tensorsOf) });
  const segments = [
    segment("embedding", [{ op: "embed", weight: embedding, out: "hidden" }]),
    segment("layer 0", layer),
    segment("head", [{ op: "linear", ...last, weight: embedding, out: "logits", then: "store" }]),
  ];
  const frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim));
  const model = { shape, rope: { dims: headDim, frequencies, magnitude: 1 }, segments };
  return { model, bytesOf: (tensor) => bytes.get(tensor.name)! };
}
