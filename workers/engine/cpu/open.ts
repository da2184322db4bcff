// Opens the WASM backend: chooses a level, lays the model out in banks, starts the compute threads.
import type { Backend } from "../base/backend.ts";
import type { Host } from "../base/host.ts";
import type { Model } from "../base/model.ts";
import { makeMemory } from "./arena.ts";
import * as words from "./assembly/words.ts";
import { CpuBackend } from "./backend.ts";
import { LEVELS, type LevelName } from "./kernels.ts";
import { chooseLevel } from "./levels.ts";
import { BANK_BYTES, CHUNK, kvBytes, MOST_THREADS, place } from "./place.ts";
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
  const positions = Math.min(contextLength ?? defaultContext(model), model.shape.contextLength);
  const placement = place(model, {
    chunk: CHUNK,
    contextLength: Math.ceil(positions / words.RUN) * words.RUN,
    maxThreads: shared ? Math.min(wanted, words.MAX_THREADS) : 1,
    wordBytes: LEVELS[level.name].wordBytes,
    bankBytes: options.bankBytes ?? BANK_BYTES,
  });
  const growth = CHUNK * model.shape.vocab * 4;
  const memories = placement.banks.map(({ arena }, bank) =>
    makeMemory(arena.sizeBytes, bank === placement.logits.bank ? growth : 0, ADAPTER_BYTES, shared),
  );
  const threads = await Threads.start(host, shared ? wanted - 1 : 0, level.module, memories);
  return new CpuBackend(host, model, positions, placement, memories, level, threads);
}

/** Positions whose cache stays within DEFAULT_CACHE_BYTES, at most what the model was trained for. */
function defaultContext(model: Model): number {
  const bytes = 2 * model.shape.layers * kvBytes(model, words.RUN);
  return Math.min(model.shape.contextLength, Math.floor(DEFAULT_CACHE_BYTES / bytes) * words.RUN);
}
