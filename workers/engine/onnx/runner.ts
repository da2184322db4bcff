// A decoder graph as something that runs tokens: with keys and values of its own, or anew from the first token where it keeps none.
import { HALF } from "../../../shaders/quant/half.ts";
import type { BackendInfo, Runner } from "../base/backend.ts";
import { EngineError } from "../base/errors.ts";
import type { Shape } from "../base/model.ts";
import type { OnnxData, OnnxProvider, OnnxRuntime, OnnxSession, OnnxTensor } from "../base/onnx.ts";
import { GraphCache } from "./cache.ts";

/** Inputs a decoder may ask for, besides keys and values. */
const INPUTS = ["input_ids", "attention_mask", "position_ids", "use_cache_branch", "num_logits_to_keep", "logits_to_keep"];

export interface RunnerOptions {
  readonly provider: OnnxProvider;
  readonly threads: number;
  readonly reason: string;
  readonly contextLength: number;
  /** Bytes of graph and weights. */
  readonly sizeBytes: number;
}

/** Runs a graph that was opened. It owns the session. */
export class OnnxRunner implements Runner {
  readonly decode = null;
  readonly hidden = null;
  readonly snapshots = null;
  readonly adapters = null;
  readonly contextLength: number;
  private readonly cache: GraphCache | null;
  /** Tokens so far, for a graph without a cache. */
  private readonly tokens: number[] = [];

  /** Throws `unsupported_architecture` where the graph asks for what a text decoder has not. */
  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly session: OnnxSession,
    private readonly shape: Shape,
    private readonly options: RunnerOptions,
  ) {
    this.contextLength = options.contextLength;
    this.cache = GraphCache.of(runtime, session, shape.kvHeads, shape.headDim);
    const cached = new Set(Object.keys(this.cache?.feeds ?? {}));
    const unknown = session.inputNames.filter((name) => !INPUTS.includes(name) && !cached.has(name));
    if (unknown.length > 0 || !session.inputNames.includes("input_ids") || !session.outputNames.includes("logits")) {
      const asks = unknown.length > 0 ? `asks for ${unknown.slice(0, 3).join(", ")}` : "does not turn input_ids into logits";
      throw new EngineError(
        "unsupported_architecture",
        `This graph ${asks}.`,
        "Choose a decoder that was exported for text generation.",
      );
    }
  }

  get info(): BackendInfo {
    const { provider, threads, reason, sizeBytes } = this.options;
    const memoryBytes = sizeBytes + (this.cache?.sizeBytes ?? 0);
    return { backend: provider, tier: "onnxruntime", reason, threads, weightBytesPerToken: sizeBytes, memoryBytes };
  }

  /** 64 MiB of logits at most; a graph without a cache reads everything at once anyway. */
  get chunk(): number {
    return this.cache ? Math.max(1, Math.min(256, Math.floor(2 ** 24 / this.shape.vocab))) : this.contextLength;
  }

  async forward(tokens: Uint32Array, at: number, logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array> {
    if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
    this.tokens.length = at;
    this.tokens.push(...tokens);
    await this.cache?.truncate(at);
    const from = this.cache ? at : 0;
    const ids = this.tokens.slice(from);
    const results = await this.session.run(this.feedsFor(ids, from, logits)).catch((error: unknown) => {
      throw failure(error, this.options.provider);
    });
    this.cache?.take(results, ids.length);
    const output = results["logits"]!;
    try {
      return logits === "none" ? new Float32Array(0) : await this.rowsOf(output, logits === "last" ? 1 : tokens.length);
    } finally {
      output.dispose();
    }
  }

  dispose(): void {
    this.cache?.dispose();
    void this.session.release();
  }

  private feedsFor(ids: readonly number[], from: number, logits: "none" | "last" | "all"): Record<string, OnnxTensor> {
    const { Tensor } = this.runtime;
    const integers = (values: readonly number[]): OnnxTensor =>
      new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
    const keep = BigInt64Array.of(logits === "all" ? 0n : 1n); // 0 keeps every position
    const makers: Readonly<Record<string, () => OnnxTensor>> = {
      input_ids: () => integers(ids),
      attention_mask: () => integers(new Array<number>(from + ids.length).fill(1)),
      position_ids: () => integers(ids.map((_, index) => from + index)),
      use_cache_branch: () => new Tensor("bool", Uint8Array.of(from > 0 ? 1 : 0), [1]),
      num_logits_to_keep: () => new Tensor("int64", keep, []),
      logits_to_keep: () => new Tensor("int64", keep, []),
    };
    const own = this.session.inputNames.filter((name) => name in makers).map((name) => [name, makers[name]!()] as const);
    return { ...Object.fromEntries(own), ...this.cache?.feeds };
  }

  /** The last rows of logits [1, positions, width], cut to the vocabulary where the graph pads it. */
  private async rowsOf(output: OnnxTensor, rows: number): Promise<Float32Array> {
    const { vocab } = this.shape;
    const width = output.dims.at(-1) ?? vocab;
    const all = floatsOf(await output.getData());
    const first = all.length / width - rows;
    if (width === vocab) return all.slice(first * width);
    const cut = new Float32Array(rows * vocab).fill(-Infinity);
    for (let row = 0; row < rows; row++) {
      const start = (first + row) * width;
      cut.set(all.subarray(start, start + Math.min(width, vocab)), row * vocab);
    }
    return cut;
  }
}

/** Half floats come as their bits, or in the type that newer browsers have for them: the bits are the same. */
function floatsOf(data: OnnxData): Float32Array {
  if (data instanceof Float32Array) return data;
  if (ArrayBuffer.isView(data)) {
    const halves = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
    return Float32Array.from(halves, (bits) => HALF[bits]!);
  }
  throw new EngineError("bad_logits", "The graph's logits are no numbers.", "Choose another export of this model.");
}

function failure(error: unknown, provider: OnnxProvider): EngineError {
  if (error instanceof EngineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const memory = /out of memory|bad_alloc|allocat/i.test(message);
  const hint = provider === "webgpu" ? "Choose WASM in the settings." : "Choose a smaller model or another export of it.";
  return new EngineError(memory ? "out_of_memory" : "internal", `onnxruntime: ${message.slice(0, 300)}`, hint);
}
