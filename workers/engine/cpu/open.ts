// Opens the WASM backend: chooses a level, lays the model out in banks, starts the compute threads.
import type { Backend } from "../base/backend.ts";
import type { Host } from "../base/host.ts";
import type { Model } from "../base/model.ts";
import { makeMemory } from "./arena.ts";
import * as words from "./assembly/words.ts";
import { CpuBackend } from "./backend.ts";
import { LEVELS, type LevelName } from "./kernels.ts";
import { chooseLevel } from "./levels.ts";
import { kvBytes } from "./cache.ts";
import { BANK_BYTES, CHUNK, MOST_THREADS, place } from "./place.ts";
import type { Bring } from "./stream.ts";
import { Threads } from "./threads.ts";

/** Adapters may take so much of a bank beside its weights, where the browser allows it. */
const ADAPTER_BYTES = 2 ** 30;
/** Cache of a context nobody asked for, at most. */
const DEFAULT_CACHE_BYTES = 2 ** 30;

export interface CpuOptions {
  /** Compute threads, this worker's own included; default: as many as help. */
  readonly threads?: number;
  /** Default: the fastest that is right here. */
  readonly level?: LevelName;
  /** Bytes of a bank, smaller in tests. */
  readonly bankBytes?: number;
  /** WASM memory it may take; of what exceeds it, layers are read anew for each pass. Default: as much as it needs. */
  readonly memoryBytes?: number | undefined;
  /** Reads weights from where they are stored; without it they have to fit. */
  readonly bring?: Bring;
}

/**
 * Opens the WASM backend for a model. Weights are written next, then `ready`. contextLength: positions to make room for; null
 * takes what the model was trained for, as far as memory allows. Throws `no_wasm_simd`, `out_of_memory`.
 */
export async function openCpu(
  host: Host,
  model: Model,
  contextLength: number | null,
  options: CpuOptions = {},
): Promise<Backend> {
  const wanted = options.threads ?? Math.min(host.cores, MOST_THREADS);
  const shared = host.isolated && wanted > 1;
  const level = await chooseLevel(host, shared, options.level ?? null);
  const positions = Math.min(contextLength ?? defaultContext(model, options.memoryBytes), model.shape.contextLength);
  const placement = place(model, {
    chunk: CHUNK,
    contextLength: Math.ceil(positions / words.RUN) * words.RUN,
    maxThreads: shared ? Math.min(wanted, words.MAX_THREADS) : 1,
    wordBytes: LEVELS[level.name].wordBytes,
    bankBytes: options.bankBytes ?? BANK_BYTES,
    memoryBytes: options.bring && options.memoryBytes,
  });
  const growth = CHUNK * model.shape.vocab * 4;
  const memories = placement.banks.map(({ arena }, bank) =>
    makeMemory(arena.sizeBytes, bank === placement.logits.bank ? growth : 0, ADAPTER_BYTES, shared),
  );
  const threads = await Threads.start(host, shared ? wanted - 1 : 0, level.module, memories);
  return new CpuBackend(host, model, positions, placement, memories, level, threads, options.bring ?? null);
}

/** Positions whose cache takes at most DEFAULT_CACHE_BYTES and a quarter of the memory, at most what the model was trained for. */
function defaultContext(model: Model, memoryBytes = Infinity): number {
  const bytes = 2 * model.shape.layers * kvBytes(model, words.RUN);
  const runs = Math.max(1, Math.floor(Math.min(DEFAULT_CACHE_BYTES, memoryBytes / 4) / bytes));
  return Math.min(model.shape.contextLength, runs * words.RUN);
}
