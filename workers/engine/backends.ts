// Which backend a model runs on: the one asked for, or the faster of the two that works.
import { type BackendName, chooseBackend } from "./auto.ts";
import type { Backend, CacheType } from "./base/backend.ts";
import { EngineError, type ErrorCode } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import type { Model } from "./base/model.ts";
import type { ByteSource } from "./base/source.ts";
import type { BackendChoice, LoadProgress } from "./base/wire.ts";
import type { ModelFile } from "./model-file.ts";
import { loadWeights, readTensors } from "./weights/load.ts";

export interface BackendOptions {
  readonly backend: BackendChoice;
  readonly contextLength: number | null;
  /** Form of keys and values on WebGPU; default half floats. */
  readonly cache?: CacheType | undefined;
  /** Memory that weights and cache may take on WASM; layers it has no room for are read anew for each pass. Default: most of the device's. */
  readonly memoryBytes?: number | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A backend with its weights, warmed up. */
export interface OpenedBackend {
  readonly backend: Backend;
  /** Why this backend and this tier of it, for people. */
  readonly reason: string;
}

interface OpenerOptions {
  readonly cache?: CacheType | undefined;
  readonly memoryBytes?: number | undefined;
  /** The file, where weights may be read again. */
  readonly source?: ByteSource;
}

type Opener = (host: Host, model: Model, contextLength: number | null, options?: OpenerOptions) => Promise<Backend>;

/** The share of a device's memory that a model may take where nobody says how much. */
const DEVICE_SHARE = 0.75;

/** Only the code of those that are used is fetched and compiled. */
const OPENERS: Readonly<Record<BackendName, Opener>> = {
  webgpu: async (host, model, contextLength, { cache } = {}) => {
    const { openGpu } = await import("./gpu/open.ts");
    return openGpu(host, model, contextLength, cache ? { cache } : {});
  },
  wasm: async (host, model, contextLength, { memoryBytes, source } = {}) => {
    const { openCpu } = await import("./cpu/open.ts");
    if (!source) return openCpu(host, model, contextLength);
    return openCpu(host, model, contextLength, {
      memoryBytes: memoryBytes ?? (host.memoryBytes === null ? undefined : host.memoryBytes * DEVICE_SHARE),
      bring: (tensors, sink, signal) => readTensors(source, tensors, sink, { signal }),
    });
  },
};

/** Failures of a GPU after which the processor may still do; `internal` is what a driver makes of our shaders. */
const GPU_FAILURES: readonly ErrorCode[] = ["no_gpu", "gpu_lost", "out_of_memory", "bad_logits", "internal"];

/**
 * Opens a backend and brings the weights into it. "auto" takes the one that was measured to be faster, and falls back to WASM where
 * WebGPU fails, saying why. Throws `no_gpu`, `gpu_lost`, `no_wasm_simd`, `out_of_memory`, `aborted` and what reading throws.
 */
export async function openBackend(host: Host, file: ModelFile, options: BackendOptions): Promise<OpenedBackend> {
  if (options.backend !== "auto") return start(host, file, options.backend, options);
  const { kind, reason } = await chooseBackend(host, file.model, OPENERS);
  options.signal?.throwIfAborted();
  if (kind === "wasm") return because(await start(host, file, "wasm", options), reason);
  try {
    return because(await start(host, file, "webgpu", options), reason);
  } catch (error) {
    const { code, message } = EngineError.record(error);
    if (!GPU_FAILURES.includes(code)) throw error;
    return because(await start(host, file, "wasm", options), `WebGPU failed: ${message}`);
  }
}

/** Bytes a millisecond that weights came with when they were last loaded: a fact of the host. */
export const STORE_SPEED = "store speed 1";

/** Attempts to load where stored shards turn out damaged: each one mends a shard. */
const ATTEMPTS = 4;

async function start(host: Host, file: ModelFile, kind: BackendName, options: BackendOptions): Promise<OpenedBackend> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const opened = await startOnce(host, file, kind, options);
    if (opened) return opened;
  }
  throw new EngineError(
    "damaged",
    `Stored pieces of ${file.name} were damaged ${String(ATTEMPTS)} times in a row.`,
    "Remove the model and download it again.",
  );
}

/** Null where a stored shard was damaged, and is no longer. */
async function startOnce(host: Host, file: ModelFile, kind: BackendName, options: BackendOptions): Promise<OpenedBackend | null> {
  const { contextLength, cache, memoryBytes, signal, onProgress } = options;
  const backend = await OPENERS[kind](host, file.model, contextLength, { cache, memoryBytes, source: file.source });
  try {
    const report = (phase: LoadProgress["phase"]) => (doneBytes: number, totalBytes: number) =>
      onProgress?.({ phase, doneBytes, totalBytes, bytesPerSecond: 0 });
    const began = host.now();
    const whole = await loadWeights(file.source, file.model, backend, { ...(signal && { signal }), onProgress: report("load") });
    if (!whole) {
      backend.dispose();
      return null;
    }
    const { streamedBytes = 0 } = backend.info;
    const bytesPerMs = file.source.sizeBytes / (host.now() - began);
    await host.remember(STORE_SPEED, bytesPerMs);
    report("prepare")(file.source.sizeBytes, file.source.sizeBytes);
    await backend.ready();
    signal?.throwIfAborted();
    const pace = streamedBytes > 0 ? ` A pass reads ${passOf(streamedBytes, bytesPerMs)}.` : "";
    return { backend, reason: sentence(backend.info.reason) + pace };
  } catch (error) {
    backend.dispose();
    throw error;
  }
}

function passOf(bytes: number, bytesPerMs: number): string {
  const seconds = bytes / bytesPerMs / 1000;
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB and takes about ${seconds < 10 ? seconds.toPrecision(2) : seconds.toFixed(0)} s: a token, or a piece of a prompt`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function because({ backend, reason }: OpenedBackend, why: string): OpenedBackend {
  return { backend, reason: `${why} ${reason}` };
}
