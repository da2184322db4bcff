// The engine's host in Node: compute threads are worker threads, kernels are read from the build folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Host } from "../../workers/engine/base/host.ts";

const BUILD = join(import.meta.dirname, "../../workers/engine/cpu/build");

export interface NodeHostOptions {
  /** Logical processors to pretend; 1 means no threads. Default 2. */
  readonly threads?: number;
  readonly gpu?: GPU | null;
  /** Whether shared memory is allowed; default true. */
  readonly isolated?: boolean;
}

/** A host whose facts live as long as it does. Build the kernels first: `npm run kernels`. */
export function nodeHost({ threads = 2, gpu = null, isolated = true }: NodeHostOptions = {}): Host {
  const facts = new Map<string, unknown>();
  return {
    gpu,
    cores: threads,
    memoryBytes: null,
    isolated,
    now: () => performance.now(),
    kernelFile: (name) => readFile(join(BUILD, name)),
    startThread: () => {
      const worker = new Worker(new URL("./node-thread.mjs", import.meta.url));
      worker.unref();
      worker.on("error", (error) => {
        throw error;
      });
      return {
        postMessage: (message) => worker.postMessage(message),
        onMessage: (listener) => worker.on("message", listener),
        terminate: () => void worker.terminate(),
      };
    },
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    recall: async (key) => facts.get(key) ?? null,
    remember: async (key, fact) => void facts.set(key, fact),
  };
}
