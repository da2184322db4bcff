// Measures the graphics card: how fast it reads memory, how fast it multiplies, what a dispatch costs. A quarter of a second.
import { QUANTS, type QuantName } from "../../../shaders/quant/index.ts";
import type { Host } from "../base/host.ts";
import type { Speed } from "./cost.ts";

const READ = `
@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var sum = vec4u();
  for (var i = id.x; i < arrayLength(&source); i += groups.x * 256) { sum ^= source[i]; }
  result[id.x] = sum.x ^ sum.y ^ sum.z ^ sum.w;
}`;
const MULTIPLY = `
@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = bitcast<vec4f>(source[id.x & 255] & vec4u(0x3fffffff));
  var a = factor; var b = factor + 1; var c = factor + 2; var d = factor + 3;
  for (var i = 0; i < 256; i++) { a = fma(a, factor, b); b = fma(b, factor, c); c = fma(c, factor, d); d = fma(d, factor, a); }
  let sum = a + b + c + d;
  result[id.x] = bitcast<u32>(sum.x + sum.y + sum.z + sum.w);
}`;
const GROUPS = 4096;
/** Products of one dispatch of MULTIPLY. */
const PRODUCTS = GROUPS * 256 * 256 * 4 * 4;
const READ_BYTES = 256 * 2 ** 20;
/** Dispatches of a layer, and the share of what a card can do that our kernels make of it: assumed, until an answer tells (`scaled`). */
const DISPATCHES = 5;
const READING = 0.6;
const MULTIPLYING = 0.25;

/** What the graphics card does, and its name. */
export interface GpuSpeed extends Speed {
  readonly name: string;
  /** Bytes one buffer may have. */
  readonly bufferBytes: number;
}

/** Measures the card; null where "auto" would not take one: no WebGPU, no adapter, or one that is a program. */
export async function measureGpu(host: Host): Promise<GpuSpeed | null> {
  const adapter = await host.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter || adapter.info.isFallbackAdapter) return null;
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
  try {
    const size = Math.min(READ_BYTES, maxStorageBufferBindingSize);
    const timer = new Timer(host, device, size);
    const read = await timer.time(READ, GROUPS);
    const multiply = await timer.time(MULTIPLY, GROUPS);
    const nothing = await timer.time(READ, 1, 4096);
    const byteMs = read / size / READING;
    const productMs = multiply / PRODUCTS / MULTIPLYING;
    const { vendor, architecture, description } = adapter.info;
    return {
      name: description || [vendor, architecture].filter(Boolean).join(" ") || "graphics card",
      bufferBytes: maxBufferSize,
      decodeMs: perType((type) => byteMs * (QUANTS[type].blockBytes / QUANTS[type].blockSize)),
      prefillMs: perType(() => productMs),
      byteMs: 0,
      cachedBytes: 0,
      layerMs: DISPATCHES * nothing,
      attendMs: 2 * byteMs, // keys and values are halves
      prefillAttendMs: productMs,
      activationMs: 0,
    };
  } finally {
    device.destroy();
  }
}

/** The card, `slower` times as slow at decoding. */
export function scaled(speed: GpuSpeed, slower: number): GpuSpeed {
  const { decodeMs, layerMs, attendMs } = speed;
  const decode = Object.entries(decodeMs).map(([type, milliseconds]) => [type, milliseconds * slower]);
  return { ...speed, decodeMs: Object.fromEntries(decode), layerMs: layerMs * slower, attendMs: attendMs * slower };
}

function perType(cost: (type: QuantName) => number): Partial<Record<QuantName, number>> {
  const types = Object.keys(QUANTS).filter((name): name is QuantName => name in QUANTS);
  return Object.fromEntries(types.map((type) => [type, cost(type)]));
}

/** Times kernels on two buffers. */
class Timer {
  private readonly source: GPUBuffer;
  private readonly result: GPUBuffer;

  constructor(
    private readonly host: Host,
    private readonly device: GPUDevice,
    size: number,
  ) {
    this.source = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
    this.result = device.createBuffer({ size: 4 * 256 * GROUPS, usage: GPUBufferUsage.STORAGE });
  }

  /** Milliseconds of a dispatch, best of three runs of about 20 ms. `sourceBytes`: as much of the source as it may see. */
  async time(code: string, groups: number, sourceBytes?: number): Promise<number> {
    const module = this.device.createShaderModule({ code });
    const pipeline = await this.device.createComputePipelineAsync({ layout: "auto", compute: { module } });
    const source = { buffer: this.source, ...(sourceBytes === undefined ? {} : { size: sourceBytes }) };
    const entries = [source, { buffer: this.result }].map((resource, binding) => ({ binding, resource }));
    const group = this.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const run = async (repeats: number): Promise<number> => {
      const start = this.host.now();
      const encoder = this.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(groups);
      pass.end();
      this.device.queue.submit([encoder.finish()]);
      await this.device.queue.onSubmittedWorkDone();
      return (this.host.now() - start) / repeats;
    };
    await run(1); // drivers compile at the first use
    const repeats = Math.max(1, Math.min(1000, Math.round(20 / (await run(4)))));
    return Math.min(await run(repeats), await run(repeats), await run(repeats));
  }
}
