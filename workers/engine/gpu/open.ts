// The WebGPU backend: weights, cache and plans of one model on one device.
import { LAYOUTS } from "../../../shaders/layouts.ts";
import type { Backend, BackendInfo, DeviceDecode } from "../base/backend.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import type { Model, Tensor } from "../base/model.ts";
import { Buffers } from "./buffers.ts";
import { decode, Pace } from "./decode.ts";
import type { Dispatch, Parts, Rows } from "./dispatch.ts";
import type { Gpu } from "./device.ts";
import { openDevice } from "./device.ts";
import type { FusedSegment, Matrix } from "./fuse.ts";
import { fuse } from "./fuse.ts";
import type { Memory } from "./memory.ts";
import { LOGIT_ROWS, makeMemory } from "./memory.ts";
import { planPick, planSegments } from "./plan.ts";
import { Programs } from "./program.ts";
import type { Ready } from "./run.ts";
import { makeReady, Runner } from "./run.ts";
import { GUESS } from "./tuning.ts";
import { ROW_GROUP, Weights } from "./weights.ts";

const CHUNK = 256;

/**
 * Opens the GPU for a model. Weights are written next, then `ready`. contextLength: positions to make room for; null takes what
 * the model was trained for, as far as memory allows. Throws `no_gpu`, `out_of_memory`.
 */
export async function openGpu(host: Host, model: Model, contextLength: number | null): Promise<Backend> {
  const gpu = await openDevice(host);
  gpu.device.pushErrorScope("out-of-memory");
  const backend = new GpuBackend(host, gpu, model, contextLength ?? defaultContext(model, gpu.device.limits));
  const failure = await gpu.device.popErrorScope();
  if (!failure) return backend;
  backend.dispose();
  throw new EngineError(
    "out_of_memory",
    "The GPU has not enough memory for this model.",
    "Choose a smaller model or a shorter context.",
  );
}

/** Dispatches of every segment for each number of rows, and of picking a token. */
type Plans = Record<Rows, Ready[][]> & Record<"greedy" | "draw", Ready[]>;

class GpuBackend implements Backend {
  readonly chunk = CHUNK;
  readonly rowGroup = ROW_GROUP;
  private readonly buffers: Buffers;
  private readonly programs: Programs;
  private readonly memory: Memory;
  private readonly weights: Weights;
  private readonly runner: Runner;
  private readonly segments: readonly FusedSegment[];
  private readonly pace = new Pace();
  private plans: Plans | null = null;

  constructor(
    private readonly host: Host,
    private readonly gpu: Gpu,
    private readonly model: Model,
    readonly contextLength: number,
  ) {
    const { device } = gpu;
    this.buffers = new Buffers(device);
    this.programs = new Programs(device);
    this.segments = fuse(model, device.limits.maxStorageBufferBindingSize);
    this.weights = new Weights(this.buffers, this.programs, matricesOf(this.segments), normsOf(this.segments));
    this.memory = makeMemory(this.buffers, model, contextLength, CHUNK);
    this.runner = new Runner(gpu, this.memory, (...args) => this.buffers.make(...args));
  }

  get info(): BackendInfo {
    const converted = [...new Set(tensorsOf(this.model).map((tensor) => tensor.type))].filter(
      (type) => !Object.hasOwn(LAYOUTS, type),
    );
    const note = converted.length > 0 ? ` ${converted.join(", ")} weights are kept as Q8_0.` : "";
    return {
      backend: "webgpu",
      tier: "T0",
      reason: `32-bit floats and shared memory only.${note}`,
      threads: 0,
      weightBytesPerToken: readMatrices(this.segments).reduce((sum, matrix) => sum + this.weights.bytesOf(matrix), 0),
      memoryBytes: this.buffers.bytes,
    };
  }

  write(tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> {
    this.gpu.check();
    return this.weights.write(tensor, firstRow, bytes);
  }

  async ready(): Promise<void> {
    const { model, memory, weights, programs } = this;
    const parts: Parts = { shape: model.shape, ropeDims: model.rope.dims, memory, weights, programs, tuning: GUESS };
    const planned = {
      one: planSegments(parts, this.segments, "one"),
      few: planSegments(parts, this.segments, "few"),
      many: planSegments(parts, this.segments, "many"),
    };
    const greedy = planPick(parts, "greedy");
    const draw = planPick(parts, "draw");
    const all = [...Object.values(planned).flat(2), greedy, draw];
    await programs.compile(all.map((dispatch) => dispatch.program));
    const prepare = (dispatches: readonly Dispatch[]): Ready[] => makeReady(programs, dispatches);
    this.plans = {
      one: planned.one.map(prepare),
      few: planned.few.map(prepare),
      many: planned.many.map(prepare),
      greedy: prepare([greedy]),
      draw: prepare([draw]),
    };
    await this.runner.finished();
  }

  async forward(tokens: Uint32Array, at: number, logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array> {
    const { plans, runner } = this;
    assert(plans, "forward() before ready().");
    runner.setHistory(at, tokens);
    runner.setTokens(tokens);
    const rows = tokens.length === 1 ? "one" : tokens.length <= 8 ? "few" : "many";
    runner.place(at, tokens.length);
    for (const segment of plans[rows].slice(0, -1)) {
      runner.submit([{ dispatches: segment, position: at, tokens: tokens.length }]);
      if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
    }
    if (logits === "none") {
      await runner.finished();
      return new Float32Array(0);
    }
    const head = plans[rows === "one" ? "one" : "few"].at(-1)!;
    if (logits === "last") {
      runner.place(at, 1, tokens.length - 1);
      runner.submit([{ dispatches: head, position: at, tokens: 1 }]);
      return runner.logits(1);
    }
    const { vocab } = this.model.shape;
    const all = new Float32Array(tokens.length * vocab);
    for (let first = 0; first < tokens.length; first += LOGIT_ROWS) {
      const count = Math.min(LOGIT_ROWS, tokens.length - first);
      runner.place(at, count, first);
      runner.submit([{ dispatches: head, position: at, tokens: count }]);
      all.set(await runner.logits(count), first * vocab);
    }
    return all;
  }

  readonly decode = (request: DeviceDecode): AsyncGenerator<Uint32Array, void> => {
    assert(this.plans, "decode() before ready().");
    const { greedy, draw, one } = this.plans;
    const sample = request.sampling.temperature > 0 ? draw : greedy;
    return decode(this.runner, { sample, forward: one.flat() }, this.pace, request, () => this.host.now());
  };

  dispose(): void {
    this.buffers.dispose();
    this.gpu.device.destroy();
  }
}

/** Positions of a cache of at most 1 GiB, a layer's part in one binding. */
function defaultContext({ shape }: Model, limits: GPUSupportedLimits): number {
  const { layers, kvHeads, headDim, contextLength } = shape;
  const positionBytes = kvHeads * Math.ceil(headDim / 8) * 16; // keys of one layer
  const inOneBinding = Math.floor(limits.maxStorageBufferBindingSize / positionBytes);
  return Math.min(contextLength, inOneBinding, Math.floor(2 ** 30 / (2 * layers * positionBytes)));
}

function tensorsOf(model: Model): Tensor[] {
  return model.segments.flatMap((segment) => segment.needs);
}

function matricesOf(segments: readonly FusedSegment[]): Set<Matrix> {
  return new Set(segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "attend" ? [] : [step.matrix]))));
}

/** Matrices read whole for one token: all but an embedding that is not the head too. */
function readMatrices(segments: readonly FusedSegment[]): Matrix[] {
  return segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "linear" ? [step.matrix] : [])));
}

function normsOf(segments: readonly FusedSegment[]): Tensor[] {
  return segments.flatMap(({ steps }) => steps.flatMap((step) => (step.op === "linear" && step.norm ? [step.norm.weight] : [])));
}
