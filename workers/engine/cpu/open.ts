// The WASM backend: a model in banks of memory, run by this worker and its compute threads.
import type { Backend, BackendInfo } from "../base/backend.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import type { Model, Tensor } from "../base/model.ts";
import { makeMemory, PAGE_BYTES } from "./arena.ts";
import * as words from "./assembly/words.ts";
import { instantiate, type Kernels, LEVELS, type LevelName } from "./kernels.ts";
import { isNative, matrixBytes } from "./layouts.ts";
import { type ChosenLevel, chooseLevel } from "./levels.ts";
import {
  BANK_BYTES,
  CHUNK,
  codesAt,
  headPad,
  kvBytes,
  MOST_THREADS,
  partialRows,
  place,
  type Placement,
  scratchBytes,
  stagingBytes,
  widestRowBytes,
} from "./place.ts";
import { type Range, writePrograms } from "./program.ts";
import { ThreadCount } from "./thread-count.ts";
import { Threads } from "./threads.ts";
import { ROW_GROUP, writeRows, writeVector } from "./weights.ts";

/** Cache of a context nobody asked for, at most. */
const DEFAULT_CACHE_BYTES = 2 ** 30;
/** Messages wait no longer than this while the engine computes. */
const BREATH_MS = 25;

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
    makeMemory(arena.sizeBytes, bank === placement.logits.bank ? growth : 0, shared),
  );
  const threads = await Threads.start(host, shared ? wanted - 1 : 0, level.module, memories);
  return new CpuBackend(host, model, positions, placement, memories, level, threads);
}

class CpuBackend implements Backend {
  readonly chunk = CHUNK;
  readonly rowGroup = ROW_GROUP;
  readonly decode = null;
  readonly hidden = null;
  readonly snapshots = null;
  readonly adapters = null;
  private readonly banks: readonly Kernels[];
  private readonly ranges: readonly Range[];
  private readonly count: ThreadCount;
  private lastBreath = 0;
  private disposed = false;

  constructor(
    private readonly host: Host,
    private readonly model: Model,
    readonly contextLength: number,
    private readonly placement: Placement,
    private readonly memories: readonly WebAssembly.Memory[],
    private readonly level: ChosenLevel,
    private readonly threads: Threads,
  ) {
    this.count = new ThreadCount(threads.count + 1);
    this.banks = memories.map((memory) => instantiate(level.module, memory));
    for (const [bank, memory] of memories.entries()) this.writeControl(bank, new DataView(memory.buffer));
    this.ranges = writePrograms(
      placement,
      memories.map(({ buffer }) => new DataView(buffer)),
      level.bytesMode,
    );
  }

  get info(): BackendInfo {
    const types = new Set(this.model.segments.flatMap(({ needs }) => needs.map(({ type }) => type)));
    const widened = [...types].filter((type) => !isNative(type));
    const note = widened.length > 0 ? ` ${widened.join(", ")} weights are kept at 8 bits.` : "";
    return {
      backend: "wasm",
      tier: this.level.name,
      reason: `${LEVELS[this.level.name].text}. ${this.level.reason}${note}`,
      threads: this.count.current,
      weightBytesPerToken: weightBytesPerToken(this.model, this.placement),
      memoryBytes: this.memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
    };
  }

  async write(tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> {
    this.mustLive();
    const placed = this.placement.tensors.get(tensor.name);
    assert(placed, `No segment needs ${tensor.name}.`);
    const memory = this.memories[placed.bank]!;
    if (!placed.layout) return writeVector(tensor, bytes, memory, placed.at);
    const { staging } = this.placement.banks[placed.bank]!.buffers;
    const to = {
      memory,
      kernels: this.banks[placed.bank]!,
      bytesMode: this.level.bytesMode,
      staging,
      stagingBytes: stagingBytes(widestRowBytes(this.model)),
    };
    writeRows(tensor, firstRow, bytes, placed.at, placed.layout, to);
  }

  /** Runs a few tokens, so that the browser has compiled the kernels before somebody waits, and finds out how many threads help. */
  async ready(): Promise<void> {
    const tokens = new Uint32Array(Math.min(8, this.contextLength));
    await this.forward(tokens, 0, "last");
    let best = Infinity;
    let fastest = this.threads.count + 1;
    for (let count = fastest; count >= 1; count >>= 1) {
      this.count.settle(count);
      // Half as many have to be clearly faster: a moment's disturbance must not cost a core.
      const milliseconds = await this.timeToken(tokens.subarray(0, 1));
      if (milliseconds > best * 0.9) continue;
      best = milliseconds;
      fastest = count;
    }
    this.count.settle(fastest);
  }

  /** Milliseconds of the fastest of a few tokens. */
  private async timeToken(token: Uint32Array): Promise<number> {
    let best = Infinity;
    for (let i = 0; i < 4; i++) {
      const start = this.host.now();
      await this.forward(token, 0, "last");
      best = Math.min(best, this.host.now() - start);
    }
    return best;
  }

  async forward(tokens: Uint32Array, at: number, logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array> {
    this.mustLive();
    const count = tokens.length;
    assert(count > 0 && count <= this.chunk && at + count <= this.contextLength, `${count} tokens at ${at} do not fit.`);
    await this.breathe(signal);
    const heads = logits === "all" ? count : logits === "last" ? 1 : 0;
    this.makeRoom(heads);
    this.banks.forEach((_, bank) => this.writeInputs(bank, tokens, at, heads));
    const ranges = heads > 0 ? this.ranges : this.ranges.slice(0, -1);
    const start = this.host.now();
    let bank = 0;
    for (let i = 0; i < ranges.length; i++) {
      const from = ranges[i]!;
      let { last } = from;
      // A few tokens run through a bank in one go; many stop between segments, to look up.
      while (count <= 8 && ranges[i + 1]?.bank === from.bank && ranges[i + 1]!.first === last) last = ranges[++i]!.last;
      if (from.bank !== bank) this.moveHidden(bank, from.bank, count);
      bank = from.bank;
      this.run(bank, from.first, last);
      if (i + 1 < ranges.length) await this.breathe(signal);
    }
    if (count === 1) this.count.record(this.host.now() - start);
    const { shape } = this.model;
    return new Float32Array(this.memories[this.placement.logits.bank]!.buffer, this.placement.logits.at, heads * shape.vocab);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.banks[0]!.call(-1, this.threads.count + 1); // no bank: every thread returns from its work
    this.threads.dispose();
  }

  private mustLive(): void {
    if (this.disposed) throw new EngineError("disposed", "The model was unloaded.", "Load it again.");
  }

  /** Lets messages in now and then. Throws `aborted`. */
  private async breathe(signal: AbortSignal | undefined): Promise<void> {
    if (this.host.now() - this.lastBreath > BREATH_MS) {
      await this.host.breathe();
      this.lastBreath = this.host.now();
      this.mustLive();
    }
    if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
  }

  private run(bank: number, first: number, last: number): void {
    const active = this.count.current;
    const control = new DataView(this.memories[bank]!.buffer);
    control.setUint32(words.C_FIRST, first, true);
    control.setUint32(words.C_LAST, last, true);
    control.setInt32(words.C_ACTIVE, active, true);
    this.banks[0]!.call(bank, active);
    this.banks[bank]!.execute(0);
  }

  private moveHidden(from: number, to: number, tokens: number): void {
    const length = tokens * this.model.shape.dim;
    const source = new Float32Array(this.memories[from]!.buffer, this.placement.banks[from]!.buffers.hidden, length);
    new Float32Array(this.memories[to]!.buffer, this.placement.banks[to]!.buffers.hidden, length).set(source);
  }

  private writeInputs(bank: number, tokens: Uint32Array, at: number, heads: number): void {
    const { buffer } = this.memories[bank]!;
    const { ids, rope } = this.placement.banks[bank]!.buffers;
    const control = new DataView(buffer);
    control.setInt32(words.C_TOKENS, tokens.length, true);
    control.setInt32(words.C_AT, at, true);
    control.setInt32(words.C_HEAD_FIRST, tokens.length - heads, true);
    control.setInt32(words.C_HEAD_COUNT, heads, true);
    new Uint32Array(buffer, ids, tokens.length).set(tokens);
    const { dims, frequencies, magnitude } = this.model.rope;
    const table = new Float32Array(buffer, rope, tokens.length * dims);
    for (let token = 0, i = 0; token < tokens.length; token++) {
      for (let pair = 0; pair < dims / 2; pair++) {
        const angle = (at + token) * frequencies[pair]!;
        table[i++] = Math.cos(angle) * magnitude;
        table[i++] = Math.sin(angle) * magnitude;
      }
    }
  }

  private writeControl(bank: number, control: DataView): void {
    const { shape, rope } = this.model;
    const { buffers } = this.placement.banks[bank]!;
    const fields: [number, number][] = [
      [words.C_IDS, buffers.ids],
      [words.C_ROPE, buffers.rope],
      [words.C_ROPE_DIMS, rope.dims],
      [words.C_HEADS, shape.heads],
      [words.C_KV_HEADS, shape.kvHeads],
      [words.C_HEAD_DIM, shape.headDim],
      [words.C_HEAD_PAD, headPad(this.model)],
      [words.C_CONTEXT, Math.ceil(this.contextLength / words.RUN) * words.RUN],
      [words.C_SCRATCH, buffers.scratch],
      [words.C_SCRATCH_BYTES, scratchBytes(this.model, LEVELS[this.level.name].wordBytes)],
      [words.C_CODES, codesAt(this.model, LEVELS[this.level.name].wordBytes)],
      [words.C_PARTIALS, buffers.partials],
      [words.C_PARTIAL_ROWS, partialRows(this.model)],
      [words.C_TILE_COUNTERS, buffers.counters],
    ];
    for (const [at, word] of fields) control.setUint32(at, word, true);
  }

  /** Logits lie at the end of their bank, which grows when more rows are asked for than ever before. */
  private makeRoom(rows: number): void {
    const memory = this.memories[this.placement.logits.bank]!;
    const missing = this.placement.logits.at + rows * this.model.shape.vocab * 4 - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  }
}

/** Positions whose cache stays within DEFAULT_CACHE_BYTES, at most what the model was trained for. */
function defaultContext(model: Model): number {
  const bytes = 2 * model.shape.layers * kvBytes(model, words.RUN);
  return Math.min(model.shape.contextLength, Math.floor(DEFAULT_CACHE_BYTES / bytes) * words.RUN);
}

/** Every matrix but the embedding, unless it is the head too. */
function weightBytesPerToken(model: Model, placement: Placement): number {
  let bytes = 0;
  for (const { steps } of model.segments) {
    for (const step of steps) {
      if (step.op !== "linear") continue;
      const { name, rows, cols } = step.weight;
      bytes += matrixBytes(placement.tensors.get(name)!.layout!, rows, cols);
    }
  }
  return bytes;
}
