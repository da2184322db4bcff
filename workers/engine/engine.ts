// A model that answers: from a file to weights in memory, and from requests to text. Everything above the backends meets here.
import { AdapterDesk } from "./adapter-desk.ts";
import { NOT_READ, type Ending, type Pieces } from "./answers.ts";
import { openBackend } from "./backends.ts";
import type { BackendInfo, CacheType } from "./base/backend.ts";
import { EngineError } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import type { ChatRequest, CompletionRequest, EmbeddingRequest, Embeddings, StopType } from "./base/openai.ts";
import type { ScoreRequest, ScoreResponse } from "./base/score.ts";
import type { BackendChoice, LoadProgress, ModelDefaults, ModelInfo, Stats } from "./base/wire.ts";
import { FORMATS } from "./chat/template.ts";
import { generate, type Piece } from "./decode/generate.ts";
import { PromptScorer } from "./decode/score.ts";
import { scoreContinuations } from "./decode/continuations.ts";
import { embed, embeddingWishes } from "./embed.ts";
import type { Constraint } from "./grammar/constraint.ts";
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
  type Wishes,
} from "./parameters.ts";
import { Queue } from "./queue.ts";
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
  readonly defaults: ModelDefaults | null;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A request found good: gives its pieces when called, once the requests before it are done. Stopping ends them, without an error. */
export type Prepared = (signal?: AbortSignal) => Pieces;

/** What a request comes to before it runs. */
interface Task {
  readonly prompt: readonly number[];
  readonly wishes: Wishes;
  /** The prompt's text, where it comes back before the answer; else null. */
  readonly echo: string | null;
  readonly detokenizer: Detokenizer;
}

/** A task whose answer is held to its form, if it has one. */
interface HeldTask extends Task {
  readonly constraint: Constraint | null;
}

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
  private prefill: Stats["prefill"] = { tokens: 0, cachedTokens: 0, milliseconds: 0 };
  private decode: Stats["decode"] = { tokens: 0, milliseconds: 0 };
  private readonly grammars: Grammars;
  /** What is loaded beside the weights. To change it, come in between two requests with `aside`. */
  readonly adapters: AdapterDesk;

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
    return { load: this.load, prefill: this.prefill, decode: this.decode, gpuBytes: held("webgpu"), wasmBytes: held("wasm") };
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
    return (signal) =>
      readingCalls(prepared(signal), new ToolReader(convention, opened), { ids: [], text: "", scores: [] }, NOT_READ);
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
  score(request: ScoreRequest): (signal?: AbortSignal) => Promise<ScoreResponse> {
    this.needOpen();
    const checked = scoreWishes(request, this.tokenizer.vocab);
    this.adapters.applied(checked.adapters ?? []);
    return async (given) => {
      const signal = given ? AbortSignal.any([given, this.closing.signal]) : this.closing.signal;
      const leave = await this.queue.enter(signal);
      try {
        this.needOpen();
        this.adapters.use(checked.adapters ?? []);
        return await scoreContinuations(this.session, this.tokenizer, checked, signal);
      } finally {
        leave();
      }
    };
  }

  /** Checks a request for embeddings; what it gives runs it in its turn. Throws `bad_request`, `disposed`. */
  embed(request: EmbeddingRequest): (signal?: AbortSignal) => Promise<Embeddings> {
    this.needOpen();
    const { file, session, options } = this;
    const wishes = embeddingWishes(request, file, session.contextLength);
    const run = (signal?: AbortSignal): Promise<Embeddings> => {
      this.adapters.use([]);
      return embed(session, file, options.id, wishes, signal);
    };
    return (signal) => this.aside(() => run(signal), signal);
  }

  /** Runs something between two requests. Throws `aborted`, `disposed`. */
  async aside<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.queue.enter(signal);
    try {
      this.needOpen();
      return await work();
    } finally {
      leave();
    }
  }

  /** Ends what is running and what waits, then frees the model. Used afterwards, it throws `disposed`. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    const leave = await this.queue.enter();
    this.session.dispose();
    leave();
  }

  private prepare(task: Task): Prepared {
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
    this.adapters.applied(adapters);
    const constraint = format && this.grammars.constrain(format, Math.min(room, maxTokens ?? Infinity));
    const held = { ...task, constraint };
    return (signal) => this.answer(held, signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal);
  }

  private async *answer(task: HeldTask, signal: AbortSignal): Pieces {
    const ending: Ending = { stopType: "stopped", promptTokens: task.prompt.length, cachedTokens: 0, newTokens: 0 };
    let leave: () => void = () => undefined;
    try {
      leave = await this.queue.enter(signal);
      this.needOpen();
      const logits = yield* this.read(task, signal);
      const stopType = yield* this.write(task, logits, signal);
      return { ...ending, stopType, cachedTokens: this.prefill.cachedTokens, newTokens: this.decode.tokens };
    } catch (error) {
      // Stopping is no error: what was said so far stands.
      if (EngineError.record(error).code === "aborted") return ending;
      throw error;
    } finally {
      leave();
    }
  }

  /** Reads the prompt; gives it back as a piece where it is to be echoed. */
  private async *read({ prompt, wishes, echo }: Task, signal: AbortSignal): AsyncGenerator<Piece, Float32Array, void> {
    this.decode = { tokens: 0, milliseconds: 0 };
    this.prefill = { tokens: prompt.length, cachedTokens: 0, milliseconds: 0 };
    const began = this.host.now();
    const scorer =
      echo !== null && wishes.alternatives !== null
        ? new PromptScorer(prompt, wishes.alternatives, this.session.shape.vocab)
        : null;
    this.adapters.use(wishes.adapters);
    const { logits, cachedTokens } = await this.session.prefill(prompt, { signal, onLogits: scorer?.take });
    this.prefill = { tokens: prompt.length, cachedTokens, milliseconds: this.host.now() - began };
    if (echo !== null) yield { ids: prompt, text: echo, scores: scorer?.scores ?? [] };
    return logits;
  }

  /** Goes on from the logits of the prompt, keeping count. */
  private async *write(
    { wishes, detokenizer, constraint }: HeldTask,
    logits: Float32Array,
    signal: AbortSignal,
  ): AsyncGenerator<Piece, StopType, void> {
    const began = this.host.now();
    const endIds = wishes.ignoreEos && !constraint ? [] : this.tokenizer.endIds;
    const { session, host } = this;
    const options = { ...wishes, endIds, constraint, signal, breathe: () => host.breathe(), now: () => host.now() };
    const pieces = generate(session, detokenizer, logits, options);
    try {
      for (;;) {
        const next = await pieces.next();
        const tokens = this.decode.tokens + (next.done ? 0 : next.value.ids.length);
        this.decode = { tokens, milliseconds: this.host.now() - began };
        if (next.done) return next.value;
        yield next.value;
      }
    } finally {
      await pieces.return("stopped");
    }
  }

  private needOpen(): void {
    if (this.closing.signal.aborted) throw new EngineError("disposed", "The model was unloaded.", "Load it again.");
  }
}
