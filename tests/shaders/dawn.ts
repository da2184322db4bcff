// WebGPU in Node: Dawn on a software driver. A missing driver fails the test that asks for it.
import { existsSync } from "node:fs";
import { create, globals } from "webgpu";
import type { Host } from "../../workers/engine/base/host.ts";

/** Debian's Chromium brings SwiftShader (T0: no f16); Mesa brings lavapipe (f16, subgroups of 8, packed dot products). */
const DRIVERS = {
  swiftshader: ["/usr/lib/chromium/vk_swiftshader_icd.json", "/opt/google/chrome/vk_swiftshader_icd.json"],
  lavapipe: [
    process.env["LAVAPIPE_ICD"] ?? "",
    "/usr/share/vulkan/icd.d/lvp_icd.json",
    "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
  ],
} as const;

export type Driver = keyof typeof DRIVERS | "system";

let opened: { driver: Driver; gpu: GPU } | null = null;

/**
 * The entry point of WebGPU on a driver; "system" takes the machine's own. A process keeps the driver it opened first.
 * Throws where the driver is not installed.
 */
export function dawn(driver: Driver = "swiftshader"): GPU {
  if (opened && opened.driver !== driver) throw new Error(`This process runs on ${opened.driver} already.`);
  if (opened) return opened.gpu;
  if (driver !== "system") {
    const file = DRIVERS[driver].find((path) => path !== "" && existsSync(path));
    if (!file) throw new Error(`The Vulkan driver ${driver} is not installed. Looked for ${DRIVERS[driver].join(", ")}.`);
    process.env["VK_ICD_FILENAMES"] = file;
  }
  Object.assign(globalThis, globals);
  opened = { driver, gpu: create([]) };
  return opened.gpu;
}

/** True where lavapipe is installed, and new enough, so that the upper tiers can be tried. `npm test` says where it is not. */
export function hasLavapipe(): boolean {
  return !process.env["CRIA_NO_LAVAPIPE"] && DRIVERS.lavapipe.some((path) => path !== "" && existsSync(path));
}

/** A host for the engine in Node. What it remembers is lost with it. */
export function nodeHost(gpu: GPU | null): Host {
  const facts = new Map<string, unknown>();
  return {
    gpu,
    cores: 1,
    memoryBytes: null,
    isolated: false,
    now: () => performance.now(),
    kernelFile: () => Promise.reject(new Error("no kernels here")),
    startThread: () => {
      throw new Error("no threads here");
    },
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    recall: async (key) => facts.get(key) ?? null,
    remember: async (key, fact) => void facts.set(key, fact),
  };
}
