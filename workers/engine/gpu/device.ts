// Asks for a GPU device: the adapter's own limits, the features a tier wants, and words for people when there is none.
import { EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";

/** A GPU device, and what became of it. */
export interface Gpu {
  readonly device: GPUDevice;
  /** Bytes one binding may have: matrices larger than that are split. */
  readonly bindingBytes: number;
  /** Names the adapter in what is remembered between visits. */
  readonly adapterName: string;
  /** Features of the device and of its WGSL. */
  readonly features: ReadonlySet<string>;
  readonly language: ReadonlySet<string>;
  /** Smallest subgroup; 1 where unknown. */
  readonly subgroupSize: number;
  /** Throws `gpu_lost` once the device is gone, `internal` after a validation error. */
  check(): void;
  /** Gives the device back: not a loss. */
  destroy(): void;
}

const WANTED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
] as const;
const WANTED_FEATURES = ["shader-f16", "subgroups", "timestamp-query"] as const;

/** Opens the GPU with everything it offers that a tier may use. Throws `no_gpu`. */
export async function openDevice(host: Host): Promise<Gpu> {
  const adapter = await host.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new EngineError("no_gpu", "No GPU can be used by this page.", "Choose the WASM backend.");
  const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name));
  const requiredLimits = Object.fromEntries(WANTED_LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const { vendor, architecture, device: model, description } = adapter.info;
  let failure: EngineError | null = null;
  let given = false;
  void device.lost.then(({ message }) => {
    if (!given) failure = gpuLost(message || "its device is gone");
  });
  device.addEventListener("uncapturederror", ({ error }) => {
    failure ??= new EngineError("internal", `The GPU refused a command: ${error.message}`, "Please report it.");
  });
  return {
    device,
    bindingBytes: device.limits.maxStorageBufferBindingSize,
    features: device.features,
    language: new Set(host.gpu?.wgslLanguageFeatures ?? []),
    subgroupSize: adapter.info.subgroupMinSize ?? 1,
    adapterName: [vendor, architecture, model, description].filter(Boolean).join(" ") || "unnamed",
    check() {
      if (failure) throw failure;
    },
    destroy() {
      given = true;
      device.destroy();
    },
  };
}

/** What a person can do where the GPU went away. */
export function gpuLost(why: string): EngineError {
  return new EngineError("gpu_lost", `The GPU stopped: ${why}`, "Load the model again.");
}
