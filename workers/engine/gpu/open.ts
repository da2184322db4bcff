// The WebGPU backend: weights, cache and plans of one model on one device.
import { LAYOUTS } from "../../../shaders/layouts.ts";
import type { Backend, BackendInfo, DeviceDecode } from "../base/backend.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Host } from "../base/host.ts";
import type { Model, Tensor } from "../base/model.ts";
import { Buffers } from "./buffers.ts";
import { decode, Pace } from "./decode.ts";
import type { Gpu } from "./device.ts";
import { openDevice } from "./device.ts";
import type { FusedSegment, Matrix } from "./fuse.ts";
import { fuse } from "./fuse.ts";
import type { Memory } from "./memory.ts";
import { makeMemory } from "./memory.ts";
import type { Dispatch, Parts } from "./plan.ts";
import { planOne, planSample } from "./plan.ts";
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
  private plan: { one: Ready[][]; sample: Ready[] } | null = null;

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
    const one = planOne(parts, this.segments);
    const sample = planSample(parts);
    await programs.compile([...one.flatMap((segment) => segment.dispatches), sample].map((dispatch) => dispatch.program));
    const prepare = (dispatches: readonly Dispatch[]): Ready[] => makeReady(programs, dispatches);
    this.plan = { one: one.map((segment) => prepare(segment.dispatches)), sample: prepare([sample]) };
    await this.runner.finished();
  }

  async forward(tokens: Uint32Array, at: number, logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array> {
    const { plan, runner, memory } = this;
    assert(plan, "forward() before ready().");
    runner.setHistory(at, tokens);
    const { vocab } = this.model.shape;
    const all = new Float32Array(logits === "all" ? tokens.length * vocab : 0);
    let result: Float32Array = all;
    for (let i = 0; i < tokens.length; i++) {
      if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
      const wanted = logits === "all" || (logits === "last" && i === tokens.length - 1);
      runner.setTokens(tokens.subarray(i, i + 1));
      runner.place(at + i, 1);
      const dispatches = (wanted ? plan.one : plan.one.slice(0, -1)).flat();
      runner.submit([{ dispatches, position: at + i, tokens: 1 }]);
      if (wanted) {
        result = await runner.logits(1);
        if (logits === "all") all.set(result, i * vocab);
      }
    }
    if (logits !== "last") await runner.finished();
    assert(memory, "");
    return logits === "all" ? all : result;
  }

  readonly decode = (request: DeviceDecode): AsyncGenerator<Uint32Array, void> => {
    assert(this.plan, "decode() before ready().");
    const { sample, one } = this.plan;
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
