// Opens an ONNX model on onnxruntime-web: on WebGPU or on WASM, as asked or as it works.
import { EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import type { OnnxProvider, OnnxRuntime, OnnxSession } from "../base/onnx.ts";
import type { BackendChoice, LoadProgress } from "../base/wire.ts";
import type { OnnxFile } from "./file.ts";
import { readAll } from "./folder.ts";
import { OnnxRunner } from "./runner.ts";

export interface OnnxOptions {
  readonly backend: BackendChoice;
  readonly contextLength: number | null;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Keys and values are not set aside but grow: longer contexts cost nothing until they are used. */
const USUAL_CONTEXT = 8192;

/** Throws `bad_request` where no runtime is at hand, `no_gpu`, `out_of_memory`, `unsupported_architecture`, `aborted` and what reading throws. */
export async function openOnnx(
  host: Host,
  file: OnnxFile,
  options: OnnxOptions,
): Promise<{ backend: OnnxRunner; reason: string }> {
  const { backend, signal } = options;
  const bytes = await readEverything(file, options);
  const open = async (provider: OnnxProvider, reason: string): Promise<{ backend: OnnxRunner; reason: string }> => {
    signal?.throwIfAborted();
    const runner = await start(host, file, bytes, provider, reason, options);
    return { backend: runner, reason };
  };
  if (backend !== "auto") return open(backend, "An ONNX graph, which onnxruntime runs.");
  const adapter = await host.gpu?.requestAdapter().catch(() => null);
  if (!adapter || adapter.info.isFallbackAdapter) return open("wasm", "An ONNX graph; WebGPU finds no graphics card.");
  try {
    return await open("webgpu", "An ONNX graph, which onnxruntime runs.");
  } catch (error) {
    const { code, message } = EngineError.record(error);
    if (code === "aborted") throw error;
    return open("wasm", `WebGPU failed: ${message}`);
  }
}

interface Bytes {
  readonly graph: Uint8Array<ArrayBuffer>;
  readonly weights: { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[];
}

async function readEverything({ source }: OnnxFile, { onProgress, signal }: OnnxOptions): Promise<Bytes> {
  let doneBytes = 0;
  const hear = (count: number): void => {
    doneBytes += count;
    onProgress?.({ phase: "load", doneBytes, totalBytes: source.sizeBytes, bytesPerSecond: 0 });
  };
  const graph = await readAll(source.graph, signal, hear);
  const weights: Bytes["weights"] = [];
  for (const [path, file] of source.weights) weights.push({ path, data: await readAll(file, signal, hear) });
  onProgress?.({ phase: "prepare", doneBytes, totalBytes: source.sizeBytes, bytesPerSecond: 0 });
  return { graph, weights };
}

async function start(
  host: Host,
  file: OnnxFile,
  { graph, weights }: Bytes,
  provider: OnnxProvider,
  reason: string,
  { contextLength }: OnnxOptions,
): Promise<OnnxRunner> {
  if (!host.onnxRuntime) throw new EngineError("bad_request", "ONNX models do not run here.", "Choose a GGUF file of the model.");
  const runtime = await host.onnxRuntime(provider);
  const session = await create(runtime, provider, graph, weights, file.shape.layers);
  const { shape, source } = file;
  try {
    return new OnnxRunner(runtime, session, shape, {
      provider,
      reason,
      threads: provider === "webgpu" ? 0 : (runtime.env.wasm.numThreads ?? 1),
      contextLength: Math.min(contextLength ?? USUAL_CONTEXT, shape.contextLength),
      sizeBytes: source.sizeBytes,
    });
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Keys and values stay on the GPU where they were computed. */
async function create(
  runtime: OnnxRuntime,
  provider: OnnxProvider,
  graph: Uint8Array,
  weights: Bytes["weights"],
  layers: number,
): Promise<OnnxSession> {
  const names = Array.from({ length: layers }, (_, i) => [`present.${i}.key`, `present.${i}.value`]).flat();
  const locations = Object.fromEntries(names.map((name) => [name, "gpu-buffer"] as const));
  const onGpu = provider === "webgpu" && mentions(graph, names[0]!);
  const options = { executionProviders: [provider], externalData: weights };
  try {
    return await runtime.InferenceSession.create(graph, onGpu ? { ...options, preferredOutputLocation: locations } : options);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (provider === "webgpu" && /adapter|webgpu/i.test(message))
      throw new EngineError("no_gpu", `onnxruntime finds no GPU: ${message.slice(0, 200)}`, "Choose WASM in the settings.");
    const code = /out of memory|bad_alloc|allocat|array buffer/i.test(message) ? "out_of_memory" : "bad_file";
    throw new EngineError(
      code,
      `onnxruntime cannot open this graph: ${message.slice(0, 300)}`,
      "Choose another export of this model.",
    );
  }
}

/** Whether a graph has something of this name: names stand in it as they are. Outputs stand near its end. */
function mentions(graph: Uint8Array, name: string): boolean {
  const wanted = new TextEncoder().encode(name);
  for (let at = graph.length - wanted.length; at >= 0; at--) {
    if (graph[at] === wanted[0] && wanted.every((byte, index) => graph[at + index] === byte)) return true;
  }
  return false;
}
