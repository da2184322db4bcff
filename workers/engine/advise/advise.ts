// Foretells how models would do on this device, and keeps what was foretold beside what then happened.
import type { QuantName } from "../../../shaders/quant/index.ts";
import { TYPICAL, type Advice, type ModelSketch, type Outcome, type Prediction } from "../base/advice.ts";
import type { BackendInfo } from "../base/backend.ts";
import type { Host } from "../base/host.ts";
import type { Model } from "../base/model.ts";
import type { Stats } from "../base/wire.ts";
import { typicalCost, type Speed } from "./cost.ts";
import { fitCpu, fitGpu, memoryOf, type Memory } from "./fit.ts";
import { shapeNear, trainedTokensOf } from "./family.ts";
import { measureGpu, scaled, type GpuSpeed } from "./probe-gpu.ts";
import { measureCpu, measuredType, type CpuSpeed } from "./probe.ts";
import { expectedLoss } from "./quality.ts";
import { isTied, sketchModel } from "./sketch.ts";
import { workOf, type Work } from "./work.ts";

/** What is known of a model besides its tensors. */
export type Known = Omit<ModelSketch, "shape">;

/** Tokens of an answer that say something of its speed, and of a question. */
const LEAST_ANSWER = 16;
const LEAST_PROMPT = 16;
/** Measurements of another version are not believed. */
const VERSION = 2;

interface Kept {
  readonly predicted: Prediction;
  readonly outcome: Outcome;
}

/** Measures a device once, then foretells without touching anything. */
export class Adviser {
  private cpu: CpuSpeed | null = null;
  private gpu: GpuSpeed | "none" | null = null;
  private memory: Memory | null = null;
  private readonly learned = new Set<string>();
  private readonly foretold = new Map<string, readonly Prediction[]>();

  constructor(private readonly host: Host) {}

  /** Whether advice on these models has to measure first, which nothing else should disturb. */
  async mustMeasure(models: readonly Model[]): Promise<boolean> {
    const [cpu, gpu] = [await this.recallCpu(), await this.recallGpu()];
    return gpu === null || cpu === null || typesOf(models).some((type) => cpu.decodeMs[type] === undefined);
  }

  /** Measures what is not known yet of what these models need. `again` forgets what is known. */
  async measure(models: readonly Model[], again = false): Promise<void> {
    const [cpu, gpu] = again ? [null, null] : [await this.recallCpu(), await this.recallGpu()];
    this.gpu = gpu ?? (await measureGpu(this.host).catch(() => null)) ?? "none";
    await this.host.remember(GPU_KEY, this.gpu);
    this.cpu = await measureCpu(this.host, typesOf(models), cpu);
    await this.host.remember(this.cpuKey, this.cpu);
  }

  /** What there is to say of a model; `measure` it first. */
  async advise(model: Model, known: Known): Promise<Advice> {
    const predictions = await this.predict(model);
    this.foretold.set(known.id, predictions);
    const { id, name, quantization, parameters, sizeBytes } = known;
    const past = await this.host.recall(pastKey(id));
    return {
      ...{ id, name, quantization, parameters, sizeBytes, predictions },
      shape: model.shape,
      loss: expectedLoss({ ...known, trainedTokens: trainedTokensOf(known) }),
      past: isKept(past) ? past : null,
    };
  }

  /** Keeps what an answer of a model took, beside what was foretold of it on the same backend; short answers say nothing. */
  async record(id: string, { backend }: Pick<BackendInfo, "backend">, { prefill, decode }: Stats): Promise<void> {
    const predicted = this.foretold.get(id)?.find((prediction) => prediction.backend === backend);
    const read = prefill.tokens - prefill.cachedTokens;
    if (!predicted || decode.tokens < LEAST_ANSWER) return;
    const before = await this.host.recall(pastKey(id));
    const firstTokenMs =
      read >= LEAST_PROMPT
        ? (prefill.milliseconds / read) * TYPICAL.promptTokens
        : isKept(before) && before.outcome.backend === backend
          ? before.outcome.firstTokenMs
          : 0;
    const tokensPerSecond = (1000 * decode.tokens) / decode.milliseconds;
    const outcome: Outcome = { backend, firstTokenMs, tokensPerSecond, at: Date.now() };
    await this.host.remember(pastKey(id), { predicted, outcome } satisfies Kept);
    if (backend === "webgpu") await this.learn(id, predicted.tokensPerSecond / tokensPerSecond);
  }

  /** How much of a card our kernels make use of was assumed: the first answer of a model tells. `slower`: than was predicted. */
  private async learn(id: string, slower: number): Promise<void> {
    const gpu = await this.recallGpu();
    if (gpu === null || gpu === "none" || this.learned.has(id)) return;
    this.learned.add(id);
    this.gpu = scaled(gpu, Math.min(4, Math.max(0.25, slower)));
    await this.host.remember(GPU_KEY, this.gpu);
  }

  private async predict(model: Model): Promise<Prediction[]> {
    const work = workOf(model);
    const memory = (this.memory ??= memoryOf(this.host.memoryBytes, this.host.cores));
    const [cpu, gpu] = [await this.recallCpu(), await this.recallGpu()];
    const predictions: Prediction[] = [];
    if (gpu !== null && gpu !== "none") {
      predictions.push({
        backend: "webgpu",
        place: gpu.name,
        ...fitGpu(model, memory, gpu.bufferBytes),
        ...typicalCost(work, gpu),
      });
    }
    if (cpu) {
      const { threads, tier } = cpu;
      predictions.push({
        backend: "wasm",
        place: `${tier}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
        ...fitCpu(model, memory, this.host.cores),
        ...typicalCost(asMeasured(work), cpu),
      });
    }
    return predictions.sort((a, b) => b.tokensPerSecond - a.tokensPerSecond); // as "auto" chooses
  }

  private async recallCpu(): Promise<CpuSpeed | null> {
    const kept = this.cpu ?? (await this.host.recall(this.cpuKey));
    return isSpeed(kept) && "threads" in kept && "tier" in kept ? (this.cpu = kept) : null;
  }

  private async recallGpu(): Promise<GpuSpeed | "none" | null> {
    const kept = this.gpu ?? (await this.host.recall(GPU_KEY));
    if (kept === "none") return "none";
    return isSpeed(kept) && "bufferBytes" in kept && "name" in kept ? (this.gpu = kept) : null;
  }

  private get cpuKey(): string {
    return `speed cpu ${VERSION} ${this.host.cores} ${this.host.isolated}`;
  }
}

/** The model that a list describes. */
export function drawModel({ shape, quantization, parameters, contextLength }: ModelSketch): Model {
  const likely = shape ?? { ...shapeNear(parameters), contextLength };
  return sketchModel(likely, quantization, isTied(likely, parameters));
}

/** The work with types without kernels of their own counted as what they rest as. */
function asMeasured(work: Work): Work {
  return { ...work, matrices: work.matrices.map((matrix) => ({ ...matrix, type: measuredType(matrix.type) })) };
}

/** Types worth measuring: those that hold a twentieth of a model's weights. */
function typesOf(models: readonly Model[]): QuantName[] {
  const types = models.flatMap((model) => {
    const { matrices } = asMeasured(workOf(model));
    const all = matrices.reduce((sum, { layers, head }) => sum + layers + head, 0);
    return matrices.filter(({ layers, head }) => layers + head > all / 20).map(({ type }) => type);
  });
  return [...new Set(types)];
}

const GPU_KEY = `speed gpu ${VERSION}`;
const TIMES: readonly (keyof Speed)[] = ["byteMs", "cachedBytes", "layerMs", "attendMs", "prefillAttendMs", "activationMs"];
const pastKey = (id: string): string => `advice ${id}`;

function isSpeed(value: unknown): value is CpuSpeed & GpuSpeed {
  if (typeof value !== "object" || value === null || !("decodeMs" in value) || !("prefillMs" in value)) return false;
  return TIMES.every((time) => typeof Reflect.get(value, time) === "number");
}

function isKept(value: unknown): value is Kept {
  return typeof value === "object" && value !== null && "predicted" in value && "outcome" in value;
}
