// One model on one GPU device: weights, cache and plans, and the order they are used in.
import { LAYOUTS } from "../../../shaders/layouts.ts";
import type { Backend, BackendInfo, CacheType, DeviceDecode, Snapshots } from "../base/backend.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Model, Tensor } from "../base/model.ts";
import { type Held, Rack } from "./adapters.ts";
import { Buffers } from "./buffers.ts";
import { decode, Pace } from "./decode.ts";
import type { Gpu } from "./device.ts";
import type { Dispatch, Parts, Rows } from "./dispatch.ts";
import type { FusedSegment } from "./fuse.ts";
import { biasesOf, fuse, matricesOf, normsOf, readMatrices } from "./fuse.ts";
import type { Tuning } from "./lanes.ts";
import type { Memory } from "./memory.ts";
import { LOGIT_ROWS, makeMemory } from "./memory.ts";
import { planPick, planRows } from "./plan.ts";
import { FIRST_TOKENS, PrefillPace, runLayers } from "./prefill.ts";
import { Programs } from "./program.ts";
import type { Ready } from "./run.ts";
import { makeReady, Runner } from "./run.ts";
import { snapshotsOf } from "./snapshots.ts";
import type { Tier } from "./tiers.ts";
import { tune } from "./tuning.ts";
import { ROW_GROUP, Weights } from "./weights.ts";

const CHUNK = 256;

/** The tier a model runs on, and the sizes found for it. */
export interface Choice {
  readonly tier: Tier;
  readonly tuning: Tuning;
  /** Why this tier, for people. */
  readonly reason: string;
}

/** Decides on a tier. */
export interface Chooser {
  /** What was chosen on an earlier visit; null where nothing is known. */
  recall(): Promise<Choice | null>;
  /** Chooses by measuring this model on any tier. */
  choose(measure: (tier: Tier) => Promise<Tuning>): Promise<Choice>;
}

type Planned = Record<Rows, Dispatch[][]>;

/** Dispatches of every segment for each number of rows, with nothing left to look up. */
type Forward = Record<Rows, Ready[][]>;

/** And of picking a token. */
type Plans = Forward & {
  readonly greedy: Ready[];
  /** The large kernel that draws at random, compiled when it is first needed. */
  readonly draw: () => Promise<Ready[]>;
};

export class GpuBackend implements Backend {
  readonly chunk = CHUNK;
  readonly rowGroup = ROW_GROUP;
  private readonly buffers: Buffers;
  private readonly programs: Programs;
  private readonly memory: Memory;
  private readonly weights: Weights;
  private readonly runner: Runner;
  private readonly segments: readonly FusedSegment[];
  private readonly pace = new Pace();
  private readonly prefillPace = new PrefillPace();
  private plans: Plans | null = null;
  /** With the adapters in use; null where there are none. */
  private adapted: Forward | null = null;
  private choice: Choice | null = null;
  private preparing: Promise<void> | null = null;
  private released = false;
  private drawing: Promise<Ready[]> | null = null;

  constructor(
    private readonly gpu: Gpu,
    private readonly model: Model,
    readonly contextLength: number,
    private readonly now: () => number,
    private readonly chooser: Chooser,
    cache: CacheType = "f16",
  ) {
    const { device } = gpu;
    this.buffers = new Buffers(device);
    this.programs = new Programs(device);
    this.segments = fuse(model, gpu.bindingBytes);
    const { buffers, programs, segments } = this;
    const [matrices, norms, biases] = [matricesOf(segments), normsOf(segments), biasesOf(segments)];
    this.weights = new Weights(buffers, programs, gpu.bindingBytes, matrices, norms, biases);
    this.memory = makeMemory(this.buffers, model, contextLength, CHUNK, cache);
    this.runner = new Runner(gpu, this.memory, (...args) => this.buffers.make(...args));
    this.adapters = new Rack(
      device,
      model.shape,
      this.segments,
      CHUNK,
      async (adapters) => void (await this.compiled(adapters)),
      (adapters) => (this.adapted = adapters.length > 0 ? this.readied(this.planned(adapters)) : null),
    );
    this.snapshots = snapshotsOf(this.runner, this.memory, model.shape, () => this.usablePlans());
  }

  get info(): BackendInfo {
    const converted = [...new Set(tensorsOf(this.model).map((tensor) => tensor.type))].filter(
      (type) => !Object.hasOwn(LAYOUTS, type),
    );
    const note = converted.length > 0 ? ` ${converted.join(", ")} weights are kept as Q8_0.` : "";
    const cache = this.memory.cache === "int8" ? " Keys and values are kept in 8 bits." : "";
    return {
      backend: "webgpu",
      tier: this.choice?.tier.name ?? "T0",
      reason: `${this.choice?.reason ?? "Not measured yet."}${note}${cache}`,
      threads: 0,
      weightBytesPerToken: readMatrices(this.segments).reduce(
        (sum, { matrix, part }) => sum + part * this.weights.bytesOf(matrix),
        0,
      ),
      memoryBytes: this.buffers.bytes + this.adapters.bytes,
    };
  }

  write(tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> {
    this.gpu.check();
    return this.weights.write(tensor, firstRow, bytes);
  }

  /** Begins to compile, while weights are still loading, if it is known already what. */
  async begin(): Promise<void> {
    const known = await this.chooser.recall();
    if (!known) return;
    this.preparing = this.prepare(known);
    this.preparing.catch(() => null); // ready() meets the failure
  }

  async ready(): Promise<void> {
    const measure = (tier: Tier): Promise<Tuning> => tune({ ...this.base, tier }, this.segments, this.runner, this.now);
    this.preparing ??= this.chooser.choose(measure).then((choice) => this.prepare(choice));
    await this.preparing;
    await this.warmUp();
  }

  /** Runs the first layer, so that the driver has compiled the kernels before somebody waits, and the pace of many tokens is known. */
  private async warmUp(): Promise<void> {
    const { runner, contextLength } = this;
    const { one, many } = this.usablePlans();
    const tokens = Math.min(FIRST_TOKENS, contextLength);
    runner.setTokens(new Uint32Array(tokens));
    runner.place(0, tokens);
    const first = layersOf(many).slice(0, 1);
    runner.submit([{ dispatches: [...first.flat(), ...layersOf(one)[0]!], position: 0, tokens }]);
    await runner.finished();
    await runLayers(runner, first, 0, tokens, this.prefillPace, this.now);
  }

  private get base(): Omit<Parts, "tier" | "tuning"> {
    const { model, memory, weights, programs, gpu } = this;
    const { shape, rope } = model;
    const { subgroupSize } = gpu;
    return { shape, ropeDims: rope.dims, memory, weights, programs, subgroupSize, adapters: [], adapterRoom: this.adapters.room };
  }

  private planned(adapters: readonly Held[]): Planned {
    assert(this.choice, "A model is used before ready().");
    return planRows({ ...this.base, ...this.choice, adapters }, this.segments);
  }

  private async compiled(adapters: readonly Held[]): Promise<Planned> {
    const planned = this.planned(adapters);
    await this.programs.compile(Object.values(planned).flatMap((segments) => segments.flat().map(({ program }) => program)));
    return planned;
  }

  private readied({ one, few, many }: Planned): Forward {
    const ready = (segments: Dispatch[][]): Ready[][] => segments.map((dispatches) => makeReady(this.programs, dispatches));
    return { one: ready(one), few: ready(few), many: ready(many) };
  }

  private async prepare(choice: Choice): Promise<void> {
    this.choice = choice;
    const parts: Parts = { ...this.base, ...choice };
    const pick = async (how: "greedy" | "draw"): Promise<Ready[]> => {
      const dispatch = planPick(parts, how);
      await this.programs.compile([dispatch.program]);
      return makeReady(this.programs, [dispatch]);
    };
    const [planned, greedy] = await Promise.all([this.compiled([]), pick("greedy")]);
    this.plans = { ...this.readied(planned), greedy, draw: () => pick("draw") };
  }

  async forward(tokens: Uint32Array, at: number, logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array> {
    const { vocab } = this.model.shape;
    const all = new Float32Array(logits === "all" ? tokens.length * vocab : 0);
    let last: Float32Array = all;
    for (let done = 0; done < tokens.length;) {
      const count = this.prefillPace.tokens(tokens.length - done);
      const piece = tokens.subarray(done, done + count);
      const wanted = logits === "last" && done + count < tokens.length ? "none" : logits;
      last = await this.runPiece(piece, at + done, wanted, signal);
      if (logits === "all") all.set(last, done * vocab);
      done += count;
    }
    return logits === "all" ? all : last;
  }

  /** Runs tokens that fit the pace of the device. */
  private async runPiece(
    tokens: Uint32Array,
    at: number,
    logits: "none" | "last" | "all",
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const { runner } = this;
    const plans = this.usablePlans();
    const count = tokens.length;
    const rows = count === 1 ? "one" : count <= 8 ? "few" : "many";
    runner.setHistory(at, tokens);
    runner.setTokens(tokens);
    runner.place(at, count);
    if (count === 1 && logits !== "none") {
      if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
      return runner.submitForLogits([{ dispatches: plans.one.flat(), position: at, tokens: 1 }], 1);
    }
    await runLayers(runner, layersOf(plans[rows]), at, count, this.prefillPace, this.now, signal);
    if (logits === "none") return new Float32Array(0);
    const head = plans.few.at(-1)!;
    const { vocab } = this.model.shape;
    const out = new Float32Array(logits === "last" ? vocab : count * vocab);
    for (let first = logits === "last" ? count - 1 : 0; first < count; first += LOGIT_ROWS) {
      const size = Math.min(LOGIT_ROWS, count - first);
      runner.place(at, size, first);
      const found = await runner.submitForLogits([{ dispatches: head, position: at, tokens: size }], size);
      if (logits === "last") return found;
      out.set(found, first * vocab);
    }
    return out;
  }

  readonly hidden = async (tokens: Uint32Array, at: number, signal?: AbortSignal): Promise<Float32Array> => {
    const { runner, memory } = this;
    const { dim } = this.model.shape;
    const { hidden: buffer, width } = memory;
    const out = new Float32Array(tokens.length * dim);
    for (let done = 0; done < tokens.length;) {
      const count = this.prefillPace.tokens(tokens.length - done);
      await this.runPiece(tokens.subarray(done, done + count), at + done, "none", signal);
      const rows = new Float32Array(await runner.fetch([{ buffer, offset: 0, sizeBytes: 4 * count * width.hidden }]));
      for (let i = 0; i < count; i++) out.set(rows.subarray(i * width.hidden, i * width.hidden + dim), (done + i) * dim);
      done += count;
    }
    return out;
  };
  readonly snapshots: Snapshots;
  readonly adapters: Rack;

  readonly decode = async function* (this: GpuBackend, request: DeviceDecode): AsyncGenerator<Uint32Array, void> {
    const { greedy, one, draw } = this.usablePlans();
    const sample = request.sampling.temperature > 0 ? await (this.drawing ??= draw()) : greedy;
    yield* decode(this.runner, { sample, forward: one.flat(), vocab: this.model.shape.vocab }, this.pace, request, this.now);
  };

  private usablePlans(): Plans {
    if (this.released) throw new EngineError("disposed", "The model was unloaded.", "Load it again.");
    assert(this.plans, "A model is used before ready().");
    this.gpu.check();
    return { ...this.plans, ...this.adapted };
  }

  /** Frees what the model holds, and keeps the device. */
  release(): void {
    this.released = true;
    this.adapters.dispose();
    this.buffers.dispose();
  }

  dispose(): void {
    this.release();
    this.gpu.destroy();
  }
}

/** Layers without the head; the first begins with the embedding. */
function layersOf([embedding = [], first = [], ...rest]: readonly Ready[][]): Ready[][] {
  return [[...embedding, ...first], ...rest.slice(0, -1)];
}

function tensorsOf(model: Model): Tensor[] {
  return model.segments.flatMap((segment) => segment.needs);
}
