// The WebGPU backend on small models, against arithmetic in double precision. T0 on SwiftShader; a missing adapter fails.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { QUANTS } from "../../../../shaders/quant/index.ts";
import type { Backend, DeviceDecode, Sampling } from "../../../../workers/engine/base/backend.ts";
import type { Linear, Model, Shape, Tensor } from "../../../../workers/engine/base/model.ts";
import { Sampler } from "../../../../workers/engine/decode/sampler.ts";
import { openDevice } from "../../../../workers/engine/gpu/device.ts";
import { type GpuOptions, openGpu } from "../../../../workers/engine/gpu/open.ts";
import { referenceLogits } from "../../../../workers/engine/gpu/reference.ts";
import { selfTest, testModel } from "../../../../workers/engine/gpu/selftest.ts";
import { TIERS } from "../../../../workers/engine/gpu/tiers.ts";
import { dawn, nodeHost } from "../../../shaders/dawn.ts";
import { counting, type Counts } from "./counting.ts";

const GREEDY: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, repeatWindow: 64, seed: 1 };
// Keys and values are half floats: 2^-11 each, averaged over positions and summed over a residual.
const TOLERANCE = 0.002;

/** A thread a row, nothing measured: soon compiled. */
const PLAIN: GpuOptions = { tier: "T0", tuning: { lanes: {}, many: "few", milliseconds: 0 } };

// Five query heads on one KV head: one more than go side by side. 2000 tokens: more than the sampler sorts.
const SHAPE: Shape = {
  layers: 1,
  dim: 64,
  ffnDim: 96,
  heads: 5,
  kvHeads: 1,
  headDim: 32,
  vocab: 2000,
  contextLength: 512,
  epsilon: 1e-5,
};
const tokens = Array.from({ length: 300 }, (_, i) => (i * 37) % SHAPE.vocab);
const counts: Counts = {};
let backend: Backend;
let model: Model;
let bytesOf: (tensor: Tensor) => Uint8Array;

beforeAll(async () => {
  ({ model, bytesOf } = testModel(SHAPE));
  backend = await opened(await openGpu(nodeHost(counting(dawn(), counts)), model, SHAPE.contextLength));
});

afterAll(() => backend.dispose());

describe("forward", () => {
  it("is right over three splits of positions, in chunks, by few and one by one", async () => {
    const found = new Float32Array(tokens.length * SHAPE.vocab);
    for (const [from, to] of [
      [0, 256],
      [256, 293],
      [293, 299],
      [299, 300],
    ] as const) {
      found.set(await backend.forward(Uint32Array.from(tokens.slice(from, to)), from, "all"), from * SHAPE.vocab);
    }
    expect(relativeError(found)).toBeLessThan(TOLERANCE);
  });

  it("is right with keys and values in 8 bits, within what they round away", async () => {
    const bytes = await opened(await openGpu(nodeHost(dawn()), model, SHAPE.contextLength, { cache: "int8" }));
    const found = new Float32Array(tokens.length * SHAPE.vocab);
    found.set(await bytes.forward(Uint32Array.from(tokens.slice(0, 150)), 0, "all"));
    for (let at = 150; at < 156; at++) found.set(await bytes.forward(Uint32Array.of(tokens[at]!), at, "last"), at * SHAPE.vocab);
    found.set(await bytes.forward(Uint32Array.from(tokens.slice(156)), 156, "all"), 156 * SHAPE.vocab);
    expect(bytes.info.reason).toContain("Keys and values are kept in 8 bits.");
    bytes.dispose();
    expect(relativeError(found)).toBeLessThan(TOLERANCE + 0.02);
    expect(relativeError(found)).toBeGreaterThan(TOLERANCE / 10); // it was bytes indeed
  });

  it("gives the last logits alone, or none", async () => {
    const all = await backend.forward(Uint32Array.of(5, 6, 7), 0, "all");
    const last = all.slice(2 * SHAPE.vocab);
    expect(await backend.forward(Uint32Array.of(5, 6, 7), 0, "last")).toEqual(last);
    expect(await backend.forward(Uint32Array.of(5, 6, 7), 0, "none")).toHaveLength(0);
  });

  it("stops when asked to", async () => {
    const stopped = AbortSignal.abort();
    await expect(backend.forward(Uint32Array.of(1, 2, 3), 0, "last", stopped)).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("hidden", () => {
  it("gives the states that the head makes logits of", async () => {
    const { weight, norm } = headOf(model);
    const logits = await backend.forward(Uint32Array.from(tokens.slice(0, 21)), 0, "all");
    const states = [
      ...(await backend.hidden!(Uint32Array.from(tokens.slice(0, 20)), 0)), // by many, by few if there is time for no more, by one
      ...(await backend.hidden!(Uint32Array.from(tokens.slice(20, 21)), 20)),
    ];
    expect(states).toHaveLength(21 * SHAPE.dim);
    const w = floatsOf(weight);
    const gamma = floatsOf(norm!.weight);
    const expected = new Float64Array(21 * SHAPE.vocab);
    for (let token = 0; token < 21; token++) {
      const x = states.slice(token * SHAPE.dim, (token + 1) * SHAPE.dim);
      const factor = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / SHAPE.dim + norm!.epsilon);
      for (let id = 0; id < SHAPE.vocab; id++) {
        let sum = 0;
        for (let i = 0; i < SHAPE.dim; i++) sum += w[id * SHAPE.dim + i]! * x[i]! * factor * gamma[i]!;
        expected[token * SHAPE.vocab + id] = sum;
      }
    }
    expect(relativeError(logits, expected)).toBeLessThan(1e-5); // f32 sums of 64
  });

  it("stops when asked to", async () => {
    await expect(backend.hidden!(Uint32Array.of(1, 2), 0, AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("a snapshot", () => {
  it.each(["f16", "int8"] as const)("brings keys and values back, to another backend too, kept as %s", async (cache) => {
    const first = await opened(await openGpu(nodeHost(dawn()), model, 64, { ...PLAIN, cache }));
    await first.forward(Uint32Array.from(tokens.slice(0, 30)), 0, "none");
    const logits = (await first.forward(Uint32Array.of(5), 30, "last")).slice();
    const snapshots = first.snapshots!;
    const [early, late] = [await snapshots.read(0, 20), await snapshots.read(20, 10)];
    expect(early).toHaveLength(20 * snapshots.positionBytes);
    first.dispose();
    const second = await opened(await openGpu(nodeHost(dawn()), model, 48, { ...PLAIN, cache }));
    expect(second.snapshots!.form).toBe(snapshots.form);
    await second.snapshots!.write(20, late);
    await second.snapshots!.write(0, early);
    expect(await second.forward(Uint32Array.of(5), 30, "last")).toEqual(logits);
    second.dispose();
    await expect(second.snapshots!.read(0, 1)).rejects.toMatchObject({ code: "disposed" });
  });
});

describe("decode", () => {
  it.each<[string, Partial<Sampling>]>([
    ["the best", {}],
    ["top-k", { temperature: 0.8, topK: 5 }],
    ["top-p and min-p", { temperature: 1.3, topP: 0.4, minP: 0.02 }],
    ["no cut at all", { temperature: 0.3 }],
    ["a repetition penalty", { temperature: 0.5, topK: 40, topP: 0.95, repeatPenalty: 1.3 }],
  ])("picks what the sampler of the CPU picks: %s", async (_, options) => {
    const sampler = new Sampler(SHAPE.vocab);
    for (const seed of [1, 2, 3]) {
      const sampling = { ...GREEDY, ...options, seed };
      const found = await run({ limit: 8, sampling });
      const expected = [...tokens.slice(0, 20)];
      let logits = await backend.forward(Uint32Array.from(expected), 0, "last");
      for (let i = 0; i < 8; i++) {
        const token = sampler.pick(logits.slice(), sampling, expected, expected.length);
        logits = await backend.forward(Uint32Array.of(token), expected.length, "last");
        expected.push(token);
      }
      expect(found).toEqual(expected.slice(20));
    }
  });

  it("penalizes no token from before those it is told of", async () => {
    const sampling = { ...GREEDY, repeatPenalty: 3 };
    const sampler = new Sampler(SHAPE.vocab);
    const answer: number[] = [];
    let logits = await backend.forward(Uint32Array.from(tokens.slice(0, 20)), 0, "last");
    for (let i = 0; i < 8; i++) {
      const token = sampler.pick(logits.slice(), sampling, answer, 20 + i);
      logits = await backend.forward(Uint32Array.of(token), 20 + i, "last");
      answer.push(token);
    }
    expect(await run({ limit: 8, sampling, recent: [] })).toEqual(answer);
  });

  it("draws from beyond the tokens it sorts, as often as they are likely", async () => {
    const logits = (await backend.forward(Uint32Array.from(tokens.slice(0, 20)), 0, "last")).slice();
    const weights = [...logits].map((logit) => Math.exp(logit / 5)).sort((a, b) => b - a);
    const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
    const share = sum(weights.slice(1024)) / sum(weights); // of what lies behind the best 1024
    const order = [...logits].sort((a, b) => b - a);
    const picks = [];
    for (let seed = 0; seed < 60; seed++) picks.push(...(await run({ limit: 1, sampling: { ...GREEDY, temperature: 5, seed } })));
    const beyond = picks.filter((token) => logits[token]! < order[1023]!).length / picks.length;
    expect(Math.abs(beyond - share)).toBeLessThan(0.2); // three standard deviations of 60 draws
  });

  it("yields an end token and nothing after it", async () => {
    const free = await run({ limit: 12 });
    const end = free[4]!;
    const ended = await run({ limit: 12, endIds: [end] });
    expect(ended).toEqual(free.slice(0, free.indexOf(end) + 1));
  });

  it("yields nothing after stop", async () => {
    let stopped = false;
    const found: number[] = [];
    for await (const ids of decode({ limit: 100, stopped: () => stopped })) {
      expect(stopped).toBe(false);
      found.push(...ids);
      stopped = found.length >= 3;
    }
    expect(found.length).toBeLessThan(40);
  });

  it("makes and writes nothing per token but what a submit needs", async () => {
    await run({ limit: 40 }); // the pace is known now
    for (const name of Object.keys(counts)) counts[name] = 0;
    await backend.forward(Uint32Array.from(tokens.slice(0, 20)), 0, "none");
    const before = { ...counts };
    const found = await readDecode({ limit: 40 });
    const spent = (name: string): number => (counts[name] ?? 0) - (before[name] ?? 0);
    const submits = spent("submit");
    expect(found).toHaveLength(40);
    expect(spent("dispatchWorkgroups")).toBeLessThanOrEqual(40 * (6 * SHAPE.layers + 5 + 1));
    expect(submits).toBeLessThanOrEqual(40 / 2);
    expect(spent("copyBufferToBuffer")).toBe(submits);
    expect(spent("createCommandEncoder")).toBe(submits);
    expect(spent("beginComputePass")).toBe(submits);
    expect(spent("writeBuffer")).toBeLessThanOrEqual(3); // where it begins, the sampling, the tokens so far
    const created = Object.keys(counts).filter((name) => name.startsWith("create") && name !== "createCommandEncoder");
    expect(created.filter((name) => spent(name) > 0)).toEqual([]);
  });
});

describe("a GPU that binds little at a time", () => {
  it("gets matrices in parts: embedding and head, gate and up apart", async () => {
    const gpu = { ...(await openDevice(nodeHost(dawn()))), bindingBytes: 4096 };
    const tier = TIERS.find(({ name }) => name === "T0")!;
    const tuning = { lanes: {}, many: "few" as const, milliseconds: 0 };
    expect(await selfTest(gpu, tier, tuning, () => performance.now())).toBeLessThan(TOLERANCE);
  });
});

describe("a context of 8,192 positions", () => {
  it.each(["f16", "int8"] as const)("gives the same at its end by both kinds of attention, kept as %s", async (cache) => {
    const long = await opened(await openGpu(nodeHost(dawn()), model, 8192, { cache }));
    const text = Uint32Array.from({ length: 8192 }, (_, i) => (i * i * 37) % SHAPE.vocab);
    // A cache begins with zeros, which attention weighs like anything else: a thirtieth of the text will do.
    await long.forward(text.subarray(7934, 8190), 7934, "none");
    const split = await long.forward(text.subarray(8190, 8191), 8190, "last");
    const alone = split.slice();
    const flash = await long.forward(text.subarray(8190), 8190, "all");
    long.dispose();
    const together = Float64Array.from(flash.subarray(0, SHAPE.vocab));
    expect(relativeError(alone, together)).toBeLessThan(TOLERANCE / 10);
  });
});

describe("a device that is lost in the middle of an answer", () => {
  it("ends the answer with a clear error, and another device can be opened", async () => {
    const devices: GPUDevice[] = [];
    const lost = await opened(await openGpu(nodeHost(recording(dawn(), devices)), model, 64));
    await lost.forward(Uint32Array.of(1, 2, 3), 0, "last");
    const answer = lost.decode!({ at: 3, limit: 60, sampling: GREEDY, recent: [], endIds: [], stopped: () => false });
    await answer.next();
    devices[0]!.destroy();
    await expect(drain(answer)).rejects.toMatchObject({ code: "gpu_lost", hint: "Load the model again." });
    await expect(lost.forward(Uint32Array.of(1), 0, "last")).rejects.toMatchObject({ code: "gpu_lost" });
    lost.dispose();
    const again = await opened(await openGpu(nodeHost(dawn()), model, 64));
    expect(await again.forward(Uint32Array.of(1, 2, 3), 0, "last")).toHaveLength(SHAPE.vocab);
    again.dispose();
  });
});

describe("weights of a type that has no layout", () => {
  it("are kept as Q8_0, which the page is told", async () => {
    const { name, rows, cols } = model.segments[1]!.needs.find((tensor) => tensor.name === "down")!;
    const down: Tensor = { name, rows, cols, type: "IQ4_NL", offset: 0, sizeBytes: (rows * cols * 18) / 32 };
    const bytes = Uint8Array.from({ length: down.sizeBytes }, (_, i) => (i % 18 === 1 ? 0x18 : i * 89)); // scales of about 2^-9
    const rare = withTensor(model, down);
    const bytesOfRare = (tensor: Tensor): Uint8Array => (tensor === down ? bytes : bytesOf(tensor));
    const requantized = await opened(await openGpu(nodeHost(dawn()), rare, 64), rare, bytesOfRare);
    const found = await requantized.forward(Uint32Array.from(tokens.slice(0, 20)), 0, "all");
    expect(requantized.info.reason).toContain("IQ4_NL weights are kept as Q8_0.");
    requantized.dispose();
    expect(relativeError(found, referenceLogits(rare, bytesOfRare, tokens.slice(0, 20)))).toBeLessThan(0.01); // half a step of 127
  });
});

describe("a second visit", () => {
  it("chooses and tunes nothing again", async () => {
    const facts = new Map<string, unknown>();
    const host = {
      ...nodeHost(dawn()),
      recall: async (key: string) => facts.get(key) ?? null,
      remember: async (key: string, fact: unknown) => void facts.set(key, structuredClone(fact)),
    };
    const first = await openGpu(host, model, 32);
    await first.ready();
    first.dispose();
    expect(facts.size).toBe(1);
    facts.forEach((fact, key) => facts.set(key, Object.assign({}, fact, { reason: "As before." })));
    const second = await openGpu(host, model, 32);
    await second.ready();
    expect(second.info.reason).toBe("As before.");
    second.dispose();
    await expect(second.forward(Uint32Array.of(1), 0, "none")).rejects.toMatchObject({ code: "disposed" });
  });
});

/** With its weights. */
async function opened(empty: Backend, described = model, bytes = bytesOf): Promise<Backend> {
  for (const tensor of new Set(described.segments.flatMap((segment) => segment.needs)))
    await empty.write(tensor, 0, bytes(tensor));
  await empty.ready();
  return empty;
}

/** The map that gives logits. */
function headOf({ segments }: Model): Linear {
  const step = segments.at(-1)!.steps[0]!;
  if (step.op !== "linear") throw new Error("The last step is the head.");
  return step;
}

function floatsOf(tensor: Tensor): Float32Array {
  const floats = new Float32Array(tensor.rows * tensor.cols);
  QUANTS[tensor.type].dequantize(bytesOf(tensor), floats);
  return floats;
}

/** The model with another tensor of the same name. */
function withTensor({ shape, rope, segments }: Model, tensor: Tensor): Model {
  const swap = (old: Tensor): Tensor => (old.name === tensor.name ? tensor : old);
  const swapped = segments.map(({ name, needs, steps }) => ({
    name,
    needs: needs.map(swap),
    steps: steps.map((step) => ("weight" in step ? { ...step, weight: swap(step.weight) } : step)),
  }));
  return { shape, rope, segments: swapped };
}

/** A GPU that keeps the devices it gives. */
function recording(gpu: GPU, devices: GPUDevice[]): GPU {
  const requestAdapter = async (): Promise<GPUAdapter | null> => {
    const adapter = await gpu.requestAdapter();
    const request = adapter!.requestDevice.bind(adapter);
    const requestDevice = async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> => {
      const device = await request(descriptor);
      devices.push(device);
      return device;
    };
    return Object.defineProperty(adapter!, "requestDevice", { value: requestDevice });
  };
  return { ...gpu, wgslLanguageFeatures: gpu.wgslLanguageFeatures, requestAdapter };
}

async function drain(answer: AsyncGenerator<unknown>): Promise<void> {
  for await (const _ of answer) void _;
}

/** Of logits at every position, over their RMS. */
function relativeError(found: Float32Array, truth = referenceLogits(model, bytesOf, tokens)): number {
  let difference = 0;
  let size = 0;
  truth.forEach((value, i) => {
    difference += (value - found[i]!) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}

function decode(options: Partial<DeviceDecode>): AsyncGenerator<Uint32Array, void> {
  const recent = tokens.slice(0, 20);
  return backend.decode!({ at: 20, limit: 8, sampling: GREEDY, recent, endIds: [], stopped: () => false, ...options });
}

async function readDecode(options: Partial<DeviceDecode>): Promise<number[]> {
  const found: number[] = [];
  for await (const ids of decode(options)) found.push(...ids);
  return found;
}

/** Decodes after the first 20 tokens. */
async function run(options: Partial<DeviceDecode>): Promise<number[]> {
  await backend.forward(Uint32Array.from(tokens.slice(0, 20)), 0, "last");
  return readDecode(options);
}
