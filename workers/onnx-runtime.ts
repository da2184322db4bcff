// onnxruntime-web with the files that the app serves: one build for WebGPU, a smaller one for WASM. Fetched when an ONNX model is opened, and
// kept by the service worker from then on.
import type { OnnxProvider, OnnxRuntime } from "./engine/base/onnx.ts";

/** A program and its threads' loader. */
interface Files {
  readonly runtime: () => Promise<OnnxRuntime>;
  readonly urls: () => Promise<{ readonly mjs: string; readonly wasm: string }>;
}

const FILES: Readonly<Record<OnnxProvider, Files>> = {
  webgpu: {
    runtime: () => import("onnxruntime-web/webgpu"),
    urls: async () => ({
      mjs: (await import("onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url")).default,
      wasm: (await import("onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url")).default,
    }),
  },
  wasm: {
    runtime: () => import("onnxruntime-web/wasm"),
    urls: async () => ({
      mjs: (await import("onnxruntime-web/ort-wasm-simd-threaded.mjs?url")).default,
      wasm: (await import("onnxruntime-web/ort-wasm-simd-threaded.wasm?url")).default,
    }),
  },
};

/** More threads than this wait for each other more than they compute. */
const MOST_THREADS = 8;

/** The runtime for a provider. `threads` is 1 where memory cannot be shared. */
export async function openRuntime(provider: OnnxProvider, threads: number): Promise<OnnxRuntime> {
  const { runtime, urls } = FILES[provider];
  const [loaded, { mjs, wasm }] = await Promise.all([runtime(), urls()]);
  const absolute = (url: string): string => new URL(url, import.meta.url).href;
  loaded.env.wasm.wasmPaths = { mjs: absolute(mjs), wasm: absolute(wasm) };
  loaded.env.wasm.numThreads = Math.min(threads, MOST_THREADS);
  loaded.env.logLevel = "error";
  return loaded;
}
