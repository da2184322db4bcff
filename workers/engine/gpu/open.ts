// Opens the WebGPU backend: the device, then the best tier that computes right and fast on it.
import type { Backend, CacheType } from "../base/backend.ts";
import { EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import type { Model } from "../base/model.ts";
import { GpuBackend } from "./backend.ts";
import { chooser } from "./choose.ts";
import { openDevice } from "./device.ts";
import { rowBytes } from "./memory.ts";
import type { Tuning } from "./lanes.ts";
import type { TierName } from "./tiers.ts";

export interface GpuOptions {
  /** Runs this tier whatever was measured; for tests and benchmarks. */
  readonly tier?: TierName;
  /** With `tier`: sizes of kernels, instead of measuring. */
  readonly tuning?: Tuning;
  /** Default: half floats. */
  readonly cache?: CacheType;
}

/**
 * Opens the GPU for a model. Weights are written next, then `ready`. contextLength: positions to make room for; null takes what
 * the model was trained for, as far as memory allows. Throws `no_gpu`, `out_of_memory`.
 */
export async function openGpu(
  host: Host,
  model: Model,
  contextLength: number | null,
  options: GpuOptions = {},
): Promise<Backend> {
  const gpu = await openDevice(host);
  const context = contextLength ?? defaultContext(model, gpu.device.limits, options.cache ?? "f16");
  gpu.device.pushErrorScope("out-of-memory");
  try {
    const backend = new GpuBackend(gpu, model, context, () => host.now(), chooser(host, gpu, model, options), options.cache);
    const failure = await gpu.device.popErrorScope();
    if (!failure) {
      await backend.begin();
      return backend;
    }
    throw new EngineError("out_of_memory", "The GPU has not enough memory.", "Choose a smaller model or a shorter context.");
  } catch (error) {
    gpu.destroy();
    throw error;
  }
}

/** Positions of a cache of at most 1 GiB, a layer's part in one binding. */
function defaultContext({ shape }: Model, limits: GPUSupportedLimits, cache: CacheType): number {
  const { layers, kvHeads, headDim, contextLength } = shape;
  const positionBytes = kvHeads * rowBytes(cache, headDim); // keys of one layer
  const inOneBinding = Math.floor(limits.maxStorageBufferBindingSize / positionBytes);
  return Math.min(contextLength, inOneBinding, Math.floor(2 ** 30 / (2 * layers * positionBytes)));
}
