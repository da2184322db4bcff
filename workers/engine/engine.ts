// A model that answers: from a file to weights in memory, and from requests to text. Everything above the backends meets here.
import { AdapterDesk } from "./adapter-desk.ts";
import { answer, type Figures, type Task } from "./answering.ts";
import { NOT_READ, type Pieces } from "./answers.ts";
import type { AdapterUse } from "./base/adapters.ts";
import { openBackend } from "./backends.ts";
import type { BackendInfo, CacheType } from "./base/backend.ts";
import { EngineError } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import type { ChatRequest, CompletionRequest, EmbeddingRequest, Embeddings } from "./base/openai.ts";
import type { ScoreRequest, ScoreResponse } from "./base/score.ts";
import type { BackendChoice, LoadProgress, Manner, ModelDefaults, ModelInfo, Stats } from "./base/wire.ts";
import { FORMATS } from "./chat/template.ts";
import { scoreContinuations } from "./decode/continuations.ts";
import { embed, embeddingWishes } from "./embed.ts";
import { Grammars } from "./grammar/grammar.ts";
import { isGguf, type Loadable } from "./loadable.ts";
import { BackendSession, type Session } from "./model/session.ts";
import {
  chatMessages,
  chatWishes,
  completionPrompt,
  completionWishes,
  promptFormat,
  scoreWishes,
  tokenIds,
} from "./parameters.ts";
import { KvMemory, type Variant } from "./memory.ts";
import { Queue } from "./queue.ts";
import { Turn } from "./turn.ts";
import { Detokenizer } from "./text/detokenizer.ts";
import type { Tokenizer } from "./text/tokenizer.ts";
import { callFormat } from "./tools/calls.ts";
import { readingCalls } from "./tools/read.ts";
import { ToolReader } from "./tools/reader.ts";

export interface EngineOptions {
  /** Key of the model in the store. */
  readonly id: string;
  /** Its name, where the file's own is not to be shown. */
  readonly name: string | null;
  readonly backend: BackendChoice;
  /** Positions to make room for; null for what the model was trained for, as far as memory allows. */
  readonly contextLength: number | null;
  readonly cache?: CacheType | undefined;
  /** WASM memory for weights and cache, in bytes; default: most of the device's. */
  readonly memoryBytes?: number | undefined;
  readonly defaults: ModelDefaults | null;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A request found good: gives its pieces when called, in its turn. Stopping ends them, without an error. */
export type Prepared = (signal?: AbortSignal, manner?: Manner) => Pieces;

/**
 * Loads the weights of a file into a backend. Throws `out_of_memory`, `no_gpu`, `no_wasm_simd`, `aborted` and what reading
 * the file throws; nothing is left in memory then.
 */
export async function openEngine(host: Host, file: Loadable, options: EngineOptions): Promise<Engine> {
  const began = host.now();
  const { backend, reason } = isGguf(file)
    ? await openBackend(host, file, options)
    : await (await import("./onnx/open.ts")).openOnnx(host, file, options);
  const session = new BackendSession(backend, isGguf(file) ? file.model.shape : file.shape);
  const load = { bytes: file.source.sizeBytes, milliseconds: host.now() - began };
  return new Engine(host, file, session, options, reason, load);
}

/** One loaded model and its one KV cache. */
export class Engine {
  private readonly queue = new Queue();
  private readonly closing = new AbortController();
  private figures: Figures = {
    prefill: { tokens: 0, cachedTokens: 0, milliseconds: 0 },
    decode: { tokens: 0, milliseconds: 0 },
  };
  private readonly grammars: Grammars;
  /** What is loaded beside the weights. To change it, come in between two requests with `aside`. */
  readonly adapters: AdapterDesk;
  private readonly memory: KvMemory;

  constructor(
    private readonly host: Host,
    private readonly file: Loadable,
    private readonly session: Session,
    private readonly options: Pick<EngineOptions, "id" | "name" | "defaults">,
    private readonly reason: string,
    private readonly load: Stats["load"],
  ) {
    this.grammars = new Grammars(file.tokenizer);
    this.adapters = new AdapterDesk(host, file, session.adapters);
    const fingerprint = `${file.source.sizeBytes} ${file.quantization} ${file.parameters}`;
    this.memory = new KvMemory(session, { model: options.id, fingerprint }, host.snapshots ?? null, host.memoryBytes);
  }

  get tokenizer(): Tokenizer {
    return this.file.tokenizer;
  }

  get info(): ModelInfo {
    const { file, session } = this;
    return {
      ...session.info,
      reason: this.reason,
      id: this.options.id,
      name: this.options.name ?? file.name,
      quantization: file.quantization,
      parameters: file.parameters,
      sizeBytes: file.source.sizeBytes,
      shape: session.shape,
      contextLength: session.contextLength,
      template: file.template.name,
      promptFormat: file.template.format,
      promptFormats: FORMATS,
      notice: file.template.notice,
      startToken: this.tokenizer.addBos ? this.tokenizer.bos : null,
    };
  }

  get stats(): Stats {
    const { backend, memoryBytes }: BackendInfo = this.session.info;
    const held = (kind: BackendInfo["backend"]): number => (backend === kind ? memoryBytes : 0);
    return { load: this.load, ...this.figures, gpuBytes: held("webgpu"), wasmBytes: held("wasm") };
  }

  tokenize(text: string, options: { readonly bos?: boolean; readonly special?: boolean }): number[] {
    return this.tokenizer.encode(text, options);
  }

  /** Throws `bad_request` for what is no token of this model. */
  detokenize(ids: readonly number[]): string {
    return this.tokenizer.decode(tokenIds(ids, this.tokenizer.vocab));
  }

  /** Checks a chat request and renders its prompt. Throws `bad_request`, `bad_template`, `context_full`, `disposed`. */
  chat(request: ChatRequest): Prepared {
    const { defaults } = this.options;
    const template = this.file.template.as(promptFormat(request));
    const wishes = chatWishes(request, defaults);
    const { convention } = template;
    const { calling } = wishes;
    const opened = (calling?.mustCall ?? false) && convention.opensByToken;
    const prompt = template.render(chatMessages(request, defaults), { tools: calling?.offered ?? [], opened });
    const stop = [...wishes.stop, ...template.stop];
    const format = calling ? callFormat(calling, convention) : wishes.format;
    const detokenizer = new Detokenizer(this.tokenizer);
    const prepared = this.prepare({ prompt, wishes: { ...wishes, stop, format }, echo: null, detokenizer });
    if (!calling) return prepared;
    return (signal, manner) =>
      readingCalls(prepared(signal, manner), new ToolReader(convention, opened), { ids: [], text: "", scores: [] }, NOT_READ);
  }

  /** Checks a completion request. Throws `bad_request`, `context_full`, `disposed`. */
  complete(request: CompletionRequest): Prepared {
    const { tokenizer } = this;
    const { echo, ...wishes } = completionWishes(request, this.options.defaults);
    const given = completionPrompt(request, tokenizer.vocab);
    const prompt = typeof given === "string" ? tokenizer.encode(given, { bos: tokenizer.addBos, special: true }) : given;
    if (prompt.length === 0) throw new EngineError("bad_request", "The prompt has no tokens.", "Give some text to go on from.");
    const text = typeof given === "string" ? given : tokenizer.decode(given);
    return this.prepare({ prompt, wishes, echo: echo ? text : null, detokenizer: new Detokenizer(tokenizer, false) });
  }

  /** Checks a request to score continuations; what it gives runs it, once the requests before it are done. Throws `bad_request`, `disposed`. */
  score(request: ScoreRequest): (signal?: AbortSignal, manner?: Manner) => Promise<ScoreResponse> {
    this.needOpen();
    const checked = scoreWishes(request, this.tokenizer.vocab);
    const variant = this.variant(checked.adapters ?? []);
    return (signal, manner) =>
      this.inTurn(
        async (turn, ending) => {
          await this.memory.turnTo([], variant, false);
          return scoreContinuations(this.session, this.tokenizer, checked, ending, () => turn.pause());
        },
        signal,
        manner,
      );
  }

  /** Checks a request for embeddings; what it gives runs it in its turn. Throws `bad_request`, `disposed`. */
  embed(request: EmbeddingRequest): (signal?: AbortSignal, manner?: Manner) => Promise<Embeddings> {
    this.needOpen();
    const { file, session, options } = this;
    const wishes = embeddingWishes(request, file, session.contextLength);
    const variant = this.variant([]);
    return (signal, manner) =>
      this.inTurn(
        async (turn, ending) => {
          await this.memory.turnTo([], variant, false);
          return embed(session, file, options.id, wishes, ending, () => turn.pause());
        },
        signal,
        manner,
      );
  }

  /** Runs something between two requests. Throws `aborted`, `disposed`. */
  aside<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.inTurn(work, signal);
  }

  /** Ends what is running and what waits, then frees the model. Used afterwards, it throws `disposed`. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    const leave = await this.queue.enter();
    this.session.dispose();
    leave();
  }

  private prepare(task: Omit<Task, "variant" | "constraint">): Prepared {
    this.needOpen();
    const room = this.session.contextLength - task.prompt.length;
    if (room < Math.min(1, task.wishes.maxTokens ?? 1)) {
      throw new EngineError(
        "context_full",
        `The prompt has ${task.prompt.length} tokens; the context has room for ${this.session.contextLength}, the answer included.`,
        "Drop the oldest turns, shorten the prompt, or load the model with a longer context.",
      );
    }
    const { format, maxTokens, adapters } = task.wishes;
    const variant = this.variant(adapters);
    const constraint = format && this.grammars.constrain(format, Math.min(room, maxTokens ?? Infinity));
    return (given, manner = {}) => {
      const signal = this.stoppedBy(given);
      const { session, memory, host } = this;
      const begin = (): Promise<Turn> => this.begin(signal, manner);
      const report = (figures: Figures): void => void (this.figures = figures);
      const around = { session, memory, host, endIds: this.tokenizer.endIds, begin, report };
      return answer(around, { ...task, variant, constraint }, signal, manner);
    };
  }

  /** Runs something in its turn. Throws `aborted`, `busy`, `disposed`. */
  private async inTurn<T>(
    work: (turn: Turn, signal: AbortSignal) => Promise<T>,
    given?: AbortSignal,
    manner: Manner = {},
  ): Promise<T> {
    const signal = this.stoppedBy(given);
    const turn = await this.begin(signal, manner);
    try {
      return await work(turn, signal);
    } finally {
      turn.end();
    }
  }

  /** Waits for a turn. Throws `aborted`, `busy`, `disposed`. */
  private async begin(signal: AbortSignal, { urgency = "person" }: Manner): Promise<Turn> {
    const { queue, memory, host } = this;
    const turn = await Turn.begin({ queue, memory, urgency, signal, now: () => host.now() });
    if (this.closing.signal.aborted) turn.end();
    this.needOpen();
    return turn;
  }

  private stoppedBy(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
  }

  /** What a request wants applied to the weights. Throws `bad_request` for adapters that are not loaded. */
  private variant(uses: readonly AdapterUse[]): Variant {
    const applied = this.adapters.applied(uses);
    return { name: applied.length > 0 ? JSON.stringify(applied) : "", apply: () => this.adapters.use(uses) };
  }

  private needOpen(): void {
    if (this.closing.signal.aborted) throw new EngineError("disposed", "The model was unloaded.", "Load it again.");
  }
}
