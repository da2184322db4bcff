// Counts calls of the WebGPU API in the realm that imports it. Methods are found on their prototypes at each call, so that objects
// made before are counted too.
import type { GpuCount } from "../records.ts";

/** Calls since the first import. */
export type Counts = Record<GpuCount, number>;

const calls: Counts = { dispatches: 0, submits: 0, "buffer writes": 0, "objects created": 0, mappings: 0 };

if (typeof GPUDevice !== "undefined") {
  for (const name of Object.getOwnPropertyNames(GPUDevice.prototype)) {
    if (name.startsWith("create")) wrap(GPUDevice.prototype, name, "objects created");
  }
  wrap(GPUQueue.prototype, "submit", "submits");
  wrap(GPUQueue.prototype, "writeBuffer", "buffer writes");
  wrap(GPUComputePassEncoder.prototype, "dispatchWorkgroups", "dispatches");
  wrap(GPUComputePassEncoder.prototype, "dispatchWorkgroupsIndirect", "dispatches");
  wrap(GPUBuffer.prototype, "mapAsync", "mappings");
}

/** The counts so far. */
export function counts(): Counts {
  return { ...calls };
}

function wrap(prototype: object, name: string, count: GpuCount): void {
  const method: unknown = Reflect.get(prototype, name);
  if (typeof method !== "function") return;
  Reflect.set(prototype, name, function (this: unknown, ...parameters: unknown[]): unknown {
    calls[count]++;
    return Reflect.apply(method, this, parameters);
  });
}
