// The browser as the engine sees it: what a worker has of it, behind base/host.ts.
import { EngineError } from "./engine/base/errors.ts";
import type { Host } from "./engine/base/host.ts";
import { recall, remember } from "./store/facts.ts";
import { snapshots } from "./store/snapshots.ts";
import { startThread } from "./threads.ts";

/** Built WASM files by name, and where the build put them. */
const KERNELS: Record<string, string> = import.meta.glob("./engine/cpu/build/*.wasm", {
  eager: true,
  query: "?url",
  import: "default",
});

declare global {
  interface WorkerNavigator {
    /** GiB, a power of two; Chromium alone tells. */
    readonly deviceMemory?: number;
  }
}

/** The host of a worker. */
export function createHost(): Host {
  return {
    gpu: "gpu" in navigator ? navigator.gpu : null,
    cores: navigator.hardwareConcurrency,
    memoryBytes: navigator.deviceMemory === undefined ? null : navigator.deviceMemory * 2 ** 30,
    // WebKitGTK calls itself isolated and still has no shared memory to post.
    isolated: self.crossOriginIsolated && typeof SharedArrayBuffer === "function",
    now: () => performance.now(),
    kernelFile,
    startThread,
    onnxRuntime: async (provider) => (await import("./onnx-runtime.ts")).openRuntime(provider, threads()),
    breathe: createBreath(),
    recall,
    remember,
    snapshots,
  };
}

/** WebKitGTK calls itself isolated and still has no shared memory to post. */
function threads(): number {
  return self.crossOriginIsolated && typeof SharedArrayBuffer === "function" ? navigator.hardwareConcurrency : 1;
}

async function kernelFile(name: string): Promise<ArrayBuffer> {
  const url = KERNELS[`./engine/cpu/build/${name}`];
  const response = url ? await fetch(url) : null;
  if (response?.ok) return response.arrayBuffer();
  throw new EngineError("network", `The program file ${name} could not be fetched.`, "Check the connection and reload the page.");
}

/** A message to oneself comes after those that wait already, and unlike a timer is not slowed down. */
function createBreath(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
}
