// A Host in a test page's worker: kernels come from the server, nothing is remembered.
import type { Host } from "../../../../../workers/engine/base/host.ts";
import { startThread } from "../../../../../workers/threads.ts";

export function createWebHost(): Host {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return {
    gpu: null,
    cores: navigator.hardwareConcurrency,
    memoryBytes: null,
    isolated: self.crossOriginIsolated,
    now: () => performance.now(),
    kernelFile: async (name) => (await fetch(`/kernels/${name}`)).arrayBuffer(),
    startThread,
    breathe: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        port2.postMessage(null);
      }),
    recall: async () => null,
    remember: async () => undefined,
  };
}
