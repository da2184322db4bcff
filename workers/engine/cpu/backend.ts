// A backend in WASM memory: weights go in, tokens run through, logits, hidden states and snapshots come out.
import type { AdapterRack } from "../base/adapter.ts";
import type { Backend, BackendInfo, Snapshots } from "../base/backend.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import type { Model, Tensor } from "../base/model.ts";
import type { Additions } from "./additions.ts";
import { PAGE_BYTES } from "./arena.ts";
import { C_QUEUE, OP_BYTES, RUN } from "./assembly/words.ts";
import { writeControl, writeInputs, writeRange } from "./control.ts";
import { Heap } from "./heap.ts";
import { instantiate, type Kernels, LEVELS } from "./kernels.ts";
import { isNative, matrixBytes } from "./layouts.ts";
import type { ChosenLevel } from "./levels.ts";
import { CHUNK, type Placement } from "./place.ts";
import { type Range, writePrograms } from "./program.ts";
import { CpuAdapterRack } from "./rack.ts";
import { CacheSnapshots } from "./snapshots.ts";
import { type Bring, LayerStream } from "./stream.ts";
import { ThreadCount } from "./thread-count.ts";
import type { Threads } from "./threads.ts";
import { Packer, ROW_GROUP, writeVector } from "./weights.ts";

/** Messages wait no longer than this while the engine computes. */
const BREATH_MS = 25;

/** A model in banks of memory, run by this worker and its threads. It owns both. */
export class CpuBackend implements Backend {
  readonly chunk = CHUNK;
  readonly rowGroup = ROW_GROUP;
  readonly decode = null;
  readonly snapshots: Snapshots;
  readonly adapters: AdapterRack;
  private readonly banks: readonly Kernels[];
  private readonly packer: Packer;
  private readonly stream: LayerStream | null;
  private ranges: readonly Range[];
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
    bring: Bring | null,
  ) {
    this.count = new ThreadCount(threads.count + 1);
    this.banks = memories.map((memory) => instantiate(level.module, memory));
    const positions = Math.ceil(contextLength / RUN) * RUN;
    for (const [bank, { buffers }] of placement.banks.entries()) {
      writeControl(memories[bank]!, model, buffers, positions, placement.cacheForm, LEVELS[level.name].wordBytes);
    }
    this.ranges = this.programs([]);
    const packerBanks = memories.map((memory, bank) => ({ memory, kernels: this.banks[bank]! }));
    this.packer = new Packer(packerBanks, level.bytesMode, (bank) => {
      this.call(bank, C_QUEUE, C_QUEUE + OP_BYTES, threads.count + 1);
    });
    this.stream = bring && placement.streamed.length > 0 ? this.streamFrom(bring) : null;
    const breathe = (): Promise<void> => this.breathe(undefined);
    this.snapshots = new CacheSnapshots(model, placement, memories, contextLength, breathe);
    const heaps = memories.map((memory, bank) => new Heap(memory, endOf(placement, bank, model)));
    this.adapters = new CpuAdapterRack(model, placement, memories, heaps, breathe, (additions) => {
      this.ranges = this.programs(additions);
    });
  }

  get info(): BackendInfo {
    const types = new Set(this.model.segments.flatMap(({ needs }) => needs.map(({ type }) => type)));
    const widened = [...types].filter((type) => !isNative(type));
    const note = widened.length > 0 ? ` ${widened.join(", ")} weights are kept at 8 bits.` : "";
    const { streamed } = this.placement;
    const reading = `${streamed.length} of ${this.model.shape.layers} layers are read from storage whenever they are needed.`;
    return {
      backend: "wasm",
      tier: this.level.name,
      reason: `${LEVELS[this.level.name].text}. ${this.level.reason}${note}${streamed.length > 0 ? ` ${reading}` : ""}`,
      threads: this.count.current,
      weightBytesPerToken: weightBytesPerToken(this.model, this.placement),
      streamedBytes: streamedBytes(this.model, this.placement),
      memoryBytes: this.memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
    };
  }

  async write(tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> {
    this.mustLive();
    const placed = this.placement.tensors.get(tensor.name);
    assert(placed, `No segment needs ${tensor.name}.`);
    if (!placed.layout) return writeVector(tensor, bytes, this.memories[placed.bank]!, placed.at);
    if (placed.streamed) return; // it was looked at, and is read again when its layer is needed
    this.packer.write(tensor, firstRow, bytes, placed.bank, placed.at, placed.layout);
  }

  /** Runs a few tokens, so that the browser has compiled the kernels before somebody waits, and finds out how many threads help. */
  async ready(): Promise<void> {
    if (this.stream) return this.packer.finish(); // a pass over what is stored takes too long for trials
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
    const heads = logits === "all" ? tokens.length : logits === "last" ? 1 : 0;
    await this.compute(tokens, at, heads, signal);
    const { buffer } = this.memories[this.placement.logits.bank]!;
    return new Float32Array(buffer, this.placement.logits.at, heads * this.model.shape.vocab);
  }

  async hidden(tokens: Uint32Array, at: number, signal?: AbortSignal): Promise<Float32Array> {
    await this.compute(tokens, at, 0, signal);
    const { bank } = this.placement.segments.at(-2)!; // the last layer's
    const { hidden } = this.placement.banks[bank]!.buffers;
    return new Float32Array(this.memories[bank]!.buffer, hidden, tokens.length * this.model.shape.dim);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.stream?.end();
    this.packer.close();
    this.banks[0]!.call(-1, this.threads.count + 1); // no bank: every thread returns from its work
    this.threads.dispose();
  }

  private streamFrom(bring: Bring): LayerStream {
    const { streamed, tensors } = this.placement;
    const layers = streamed.map((segment) =>
      this.model.segments[segment]!.needs.filter(({ name }) => tensors.get(name)!.streamed),
    );
    const write = async (tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> => {
      const { bank, at, layout } = tensors.get(tensor.name)!;
      this.packer.write(tensor, firstRow, bytes, bank, at, layout!);
    };
    return new LayerStream(layers, bring, { rowGroup: ROW_GROUP, write });
  }

  private programs(additions: readonly Additions[]): Range[] {
    const memories = this.memories.map(({ buffer }) => new DataView(buffer));
    return writePrograms(this.placement, memories, this.level.bytesMode, additions);
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

  /** Runs tokens through all segments; the head for the last `heads` of them alone. */
  private async compute(tokens: Uint32Array, at: number, heads: number, signal: AbortSignal | undefined): Promise<void> {
    this.mustLive();
    const count = tokens.length;
    assert(count > 0 && count <= this.chunk && at + count <= this.contextLength, `${count} tokens at ${at} do not fit.`);
    await this.breathe(signal);
    this.packer.finish();
    this.makeRoom(heads);
    for (const [bank, { buffers }] of this.placement.banks.entries()) {
      writeInputs(this.memories[bank]!, this.model, buffers, tokens, at, heads);
    }
    const ranges = heads > 0 ? this.ranges : this.ranges.slice(0, -1);
    const start = this.host.now();
    let bank = 0;
    for (let i = 0; i < ranges.length; i++) {
      const from = ranges[i]!;
      let { last } = from;
      const turn = this.placement.streamed.indexOf(i);
      if (turn >= 0) {
        await this.stream!.need(turn, signal);
        this.mustLive();
      }
      // A few tokens run through a bank in one go; many stop between segments, to look up.
      while (count <= 8 && turn < 0 && i + 1 < ranges.length && this.follows({ ...from, last }, i + 1)) last = ranges[++i]!.last;
      if (from.bank !== bank) this.moveHidden(bank, from.bank, count);
      bank = from.bank;
      this.run(bank, from.first, last);
      if (turn >= 0) this.stream!.release(turn);
      if (i + 1 < ranges.length) await this.breathe(signal);
    }
    if (count === 1 && !this.stream) this.count.record(this.host.now() - start);
  }

  /** Whether a segment's ops lie behind others, and need not wait for weights. */
  private follows({ bank, last }: Range, segment: number): boolean {
    const next = this.ranges[segment];
    return next?.bank === bank && next.first === last && !this.placement.streamed.includes(segment);
  }

  private run(bank: number, first: number, last: number): void {
    this.packer.close(); // rows of a layer to come
    this.call(bank, first, last, this.count.current);
    this.banks[bank]!.execute(0);
  }

  /** Calls the other threads to the ops [first, last) of a bank. */
  private call(bank: number, first: number, last: number, active: number): void {
    writeRange(this.memories[bank]!, first, last, active);
    this.banks[0]!.call(bank, active);
  }

  private moveHidden(from: number, to: number, tokens: number): void {
    const length = tokens * this.model.shape.dim;
    const source = new Float32Array(this.memories[from]!.buffer, this.placement.banks[from]!.buffers.hidden, length);
    new Float32Array(this.memories[to]!.buffer, this.placement.banks[to]!.buffers.hidden, length).set(source);
  }

  /** Logits lie at the end of their bank, which grows when more rows are asked for than ever before. */
  private makeRoom(rows: number): void {
    const memory = this.memories[this.placement.logits.bank]!;
    const missing = this.placement.logits.at + rows * this.model.shape.vocab * 4 - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  }
}

/** The first address that nothing was laid out at; logits have room for every token of a chunk. */
function endOf({ banks, logits }: Placement, bank: number, { shape }: Model): number {
  const end = bank === logits.bank ? logits.at + CHUNK * shape.vocab * 4 : banks[bank]!.arena.sizeBytes;
  return Math.ceil(end / 64) * 64;
}

/** As they are stored. */
function streamedBytes({ segments }: Model, { streamed, tensors }: Placement): number {
  const needed = streamed.flatMap((segment) => segments[segment]!.needs).filter(({ name }) => tensors.get(name)!.streamed);
  return needed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Every matrix but the embedding, unless it is the head too; of experts those that a token takes. */
function weightBytesPerToken(model: Model, placement: Placement): number {
  const bytesOf = ({ name, rows, cols }: Tensor): number => matrixBytes(placement.tensors.get(name)!.layout!, rows, cols);
  let bytes = 0;
  for (const { steps } of model.segments) {
    for (const step of steps) {
      if (step.op === "linear") bytes += bytesOf(step.weight);
      if (step.op === "experts") {
        const { router, gate, up, down, used, count } = step;
        bytes += bytesOf(router) + ((bytesOf(gate) + bytesOf(up) + bytesOf(down)) * used) / count;
      }
    }
  }
  return bytes;
}
