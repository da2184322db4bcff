// The choice between WebGPU and WASM: by measuring, once for a GPU and a size of model.
import { describe, expect, it } from "vitest";
import { chooseBackend, probeModel, type BackendName } from "../../../workers/engine/auto.ts";
import type { Backend } from "../../../workers/engine/base/backend.ts";
import type { Host } from "../../../workers/engine/base/host.ts";
import type { Model } from "../../../workers/engine/base/model.ts";
import { openCpu } from "../../../workers/engine/cpu/open.ts";
import { openGpu } from "../../../workers/engine/gpu/open.ts";
import { describeLlama } from "../../../workers/engine/model/llama.ts";
import { dawn } from "../../shaders/dawn.ts";
import { nodeHost } from "./node-host.ts";

const SHAPE = {
  layers: 3,
  dim: 64,
  ffnDim: 96,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  vocab: 500,
  contextLength: 256,
  epsilon: 1e-5,
};

describe("auto", () => {
  it.each<[BackendName, string, number, number]>([
    ["webgpu", "Measured 4.0 times as fast as the processor.", 1, 4],
    ["wasm", "The processor was measured 2.5 times as fast as WebGPU.", 5, 2],
  ])("takes %s where it is faster, and remembers", async (kind, reason, gpuMs, cpuMs) => {
    const bench = new Bench({ webgpu: gpuMs, wasm: cpuMs });
    expect(await bench.choose()).toEqual({ kind, reason });
    expect(bench.opened).toEqual(["webgpu", "wasm"]);
    expect(bench.held).toBe(0);
    expect(await bench.choose()).toEqual({ kind, reason });
    expect(bench.opened).toEqual(["webgpu", "wasm"]);
  });

  it("takes WASM where the GPU fails, and tries the GPU again the next time", async () => {
    const bench = new Bench({ webgpu: "The GPU stopped: too hot", wasm: 1 });
    expect(await bench.choose()).toEqual({ kind: "wasm", reason: "WebGPU failed: The GPU stopped: too hot" });
    await bench.choose();
    expect(bench.opened).toEqual(["webgpu", "webgpu"]);
  });

  it("takes WebGPU where there is no WASM SIMD", async () => {
    expect(await new Bench({ webgpu: 1, wasm: "no SIMD" }).choose()).toMatchObject({ kind: "webgpu" });
  });

  it("measures no software adapter, and nothing where there is no adapter", async () => {
    const software = new Bench({ webgpu: 1, wasm: 2 }, true);
    expect(await software.choose()).toEqual({ kind: "wasm", reason: "WebGPU has only a software adapter here." });
    expect(software.opened).toEqual([]);
    const { kind } = await chooseBackend(nodeHost(), model(), { webgpu: () => never(), wasm: () => never() });
    expect(kind).toBe("wasm");
  });

  it("measures layers that both backends can run", { timeout: 120_000 }, async () => {
    const probe = probeModel(model(), 1); // one layer, three times
    expect(new Set(probe.segments.flatMap(({ needs }) => needs.map(({ name }) => name))).size).toBe(9 + 2);
    const gpu = dawn("swiftshader");
    const adapter = await gpu.requestAdapter();
    const host = nodeHost({ gpu: pretend(gpu, adapter!) });
    const { reason } = await chooseBackend(host, model(), { webgpu: openGpu, wasm: openCpu });
    expect(reason).toMatch(/measured [\d.]+ times as fast/i);
  });
});

/** Backends that take so many milliseconds for a token by a clock of their own, or fail. */
class Bench {
  readonly opened: BackendName[] = [];
  held = 0;
  private clock = 0;
  private readonly host: Host;

  constructor(
    private readonly speeds: Readonly<Record<BackendName, number | string>>,
    isFallbackAdapter = false,
  ) {
    const info = { vendor: "test", architecture: "", device: "", description: "", isFallbackAdapter };
    const gpu = { requestAdapter: () => Promise.resolve({ info }) } as unknown as GPU;
    this.host = { ...nodeHost({ gpu }), now: () => this.clock };
  }

  choose(): ReturnType<typeof chooseBackend> {
    const open = (kind: BackendName) => () => this.open(kind);
    return chooseBackend(this.host, model(), { webgpu: open("webgpu"), wasm: open("wasm") });
  }

  private open(kind: BackendName): Promise<Backend> {
    this.opened.push(kind);
    const speed = this.speeds[kind];
    if (typeof speed === "string") return Promise.reject(new Error(speed));
    this.held++;
    return Promise.resolve({
      info: { backend: kind, tier: "", reason: "", threads: 0, weightBytesPerToken: 0, memoryBytes: 0 },
      contextLength: 128,
      chunk: 128,
      rowGroup: 8,
      write: () => Promise.resolve(),
      ready: () => Promise.resolve(),
      forward: (tokens) => {
        this.clock += speed * tokens.length;
        return Promise.resolve(new Float32Array());
      },
      decode: null,
      hidden: null,
      snapshots: null,
      adapters: null,
      dispose: () => void this.held--,
    });
  }
}

/** A GPU whose adapter says that it is none of software. */
function pretend(gpu: GPU, adapter: GPUAdapter): GPU {
  const { vendor, architecture, device, description } = adapter.info;
  const info = { vendor, architecture, device, description, isFallbackAdapter: false };
  const real = new Proxy(adapter, {
    get: (target, key) => {
      const value: unknown = key === "info" ? info : Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...gpu, wgslLanguageFeatures: gpu.wgslLanguageFeatures, requestAdapter: () => Promise.resolve(real) };
}

function model(): Model {
  const tensor = (name: string) => {
    const [rows, cols] = extents(name);
    return { name, type: "F32" as const, rows, cols, offset: 0, sizeBytes: 4 * rows * cols };
  };
  const rope = { dims: 32, frequencies: new Float32Array(16), magnitude: 1 };
  return describeLlama(SHAPE, rope, tensor, () => null);
}

function extents(name: string): [number, number] {
  if (name.includes("norm")) return [1, 64];
  if (/attn_[kv]/.test(name)) return [32, 64];
  if (name.includes("attn")) return [64, 64];
  if (name.includes("ffn_down")) return [64, 96];
  return name.includes("ffn") ? [96, 64] : [500, 64];
}

function never(): Promise<Backend> {
  return Promise.reject(new Error("opened"));
}
