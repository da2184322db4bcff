// A session of the Prompt API over a loaded model: it remembers the conversation, and drops its oldest turns when the context is full.
// Source: webmachinelearning.github.io/prompt-api, the LanguageModel interface.
import type { Cria } from "../../workers/engine/base/cria.ts";
import { EngineError, type ErrorCode } from "../../workers/engine/base/errors.ts";
import type { ChatMessage, ChatRequest, SamplingParameters } from "../../workers/engine/base/openai.ts";
import { formatOf, messagesOf } from "./prompt-input.ts";
import type { PromptInput, PromptOptions, PromptSession } from "./prompt-types.ts";

/** A model that sessions share; the last one that is destroyed gives it back. */
export class SharedModel {
  private users = 0;

  constructor(readonly cria: Pick<Cria, "info" | "chat" | "tokenize" | "unload">) {}

  take(): this {
    this.users++;
    return this;
  }

  leave(): void {
    if (--this.users === 0) void this.cria.unload().catch(() => undefined);
  }
}

/** What a template puts around a message, in tokens: a guess until an answer tells. */
const AROUND = 8;

/** DOMException names by what went wrong; anything else is an UnknownError. */
const NAMES: Partial<Record<ErrorCode, string>> = {
  aborted: "AbortError",
  bad_request: "NotSupportedError",
  disposed: "InvalidStateError",
  context_full: "QuotaExceededError",
};

/** One conversation. */
export class Conversation extends EventTarget implements PromptSession {
  oncontextoverflow: ((event: Event) => unknown) | null = null;
  onquotaoverflow: ((event: Event) => unknown) | null = null;
  private usage = 0;
  private queue: Promise<unknown> = Promise.resolve();
  private readonly ending = new AbortController();

  /** `messages` are said already; those of them that come first and are the system's stay for ever. */
  constructor(
    private readonly model: SharedModel,
    private readonly sampling: SamplingParameters,
    private messages: readonly ChatMessage[],
  ) {
    super();
    model.take();
  }

  get contextUsage(): number {
    return this.usage;
  }

  get contextWindow(): number {
    return this.model.cria.info.contextLength;
  }

  get inputUsage(): number {
    return this.contextUsage;
  }
  get inputQuota(): number {
    return this.contextWindow;
  }

  get temperature(): number | null {
    return this.sampling.temperature ?? null;
  }
  get topK(): number | null {
    return this.sampling.top_k ?? null;
  }

  async prompt(input: PromptInput, options: PromptOptions = {}): Promise<string> {
    let text = "";
    for await (const piece of this.answer(input, options)) text += piece;
    return text;
  }

  promptStreaming(input: PromptInput, options: PromptOptions = {}): ReadableStream<string> {
    const leaving = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal;
    const pieces = this.answer(input, { ...options, signal });
    return new ReadableStream<string>({
      async pull(controller) {
        const { value, done } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        leaving.abort();
        await pieces.return();
      },
    });
  }

  async append(input: PromptInput, { signal }: { readonly signal?: AbortSignal } = {}): Promise<undefined> {
    const said = messagesOf(input, false);
    await this.inTurn(signal, async () => {
      this.messages = [...this.messages, ...said];
      this.usage += await this.tokensOf(said);
    });
  }

  measureContextUsage(input: PromptInput, { signal }: PromptOptions = {}): Promise<number> {
    this.needLife(signal);
    return this.tokensOf(messagesOf(input, false)).catch((error: unknown) => {
      throw exceptionOf(error);
    });
  }

  measureInputUsage(input: PromptInput, options: PromptOptions = {}): Promise<number> {
    return this.measureContextUsage(input, options);
  }

  async clone({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Conversation> {
    return this.inTurn(signal, async () => {
      const copy = new Conversation(this.model, this.sampling, this.messages);
      copy.usage = this.usage;
      return copy;
    });
  }

  destroy(): undefined {
    if (this.ending.signal.aborted) return;
    this.ending.abort();
    this.model.leave();
  }

  /** Counts what was said before the session began. */
  async begin(): Promise<this> {
    this.usage = await this.tokensOf(this.messages);
    return this;
  }

  private async *answer(input: PromptInput, options: PromptOptions): AsyncGenerator<string, void> {
    const said = messagesOf(input, false);
    const format = formatOf(options.responseConstraint);
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    const entered = new Promise<AbortSignal>((enter, refuse) => {
      this.inTurn(options.signal, (signal) => (enter(signal), left)).catch(refuse);
    });
    try {
      const signal = await entered;
      yield* this.say(said, { ...this.sampling, ...(format ? { response_format: format } : {}) }, signal);
    } catch (error) {
      throw exceptionOf(error);
    } finally {
      leave();
    }
  }

  /** Asks, leaving out the oldest turns as long as there is no room; remembers what was said once all of it is. */
  private async *say(
    said: readonly ChatMessage[],
    parameters: SamplingParameters,
    signal: AbortSignal,
  ): AsyncGenerator<string, void> {
    let before = this.messages;
    for (;;) {
      const request: ChatRequest = { ...parameters, messages: [...before, ...said] };
      let text = "";
      try {
        for await (const { choices, usage } of await this.model.cria.chat.completions.create(
          { ...request, stream: true },
          { signal },
        )) {
          text += choices[0].delta.content ?? "";
          if (choices[0].delta.content) yield choices[0].delta.content;
          if (usage) this.usage = usage.total_tokens;
        }
        signal.throwIfAborted();
        this.messages = [...before, ...said, { role: "assistant", content: text }];
        return;
      } catch (error) {
        const shorter = EngineError.record(error).code === "context_full" ? withoutOldest(before) : null;
        if (!shorter) throw error;
        before = shorter;
        this.overflow();
      }
    }
  }

  private overflow(): void {
    for (const type of ["contextoverflow", "quotaoverflow"] as const) {
      const event = new Event(type);
      this.dispatchEvent(event);
      this[`on${type}`]?.call(this, event);
    }
  }

  /** Runs something after what was asked for before. */
  private async inTurn<T>(given: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.needLife(given);
    const signal = given ? AbortSignal.any([given, this.ending.signal]) : this.ending.signal;
    const turn = this.queue.then(() => {
      signal.throwIfAborted();
      return work(signal);
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private needLife(signal: AbortSignal | undefined): void {
    if (this.ending.signal.aborted) throw new DOMException("The session was destroyed.", "InvalidStateError");
    signal?.throwIfAborted();
  }

  private async tokensOf(messages: readonly ChatMessage[]): Promise<number> {
    const counts = await Promise.all(messages.map(({ content }) => this.model.cria.tokenize(content)));
    return counts.reduce((sum, ids) => sum + ids.length + AROUND, 0);
  }
}

/** The conversation without its oldest question and answer; the system's words stay. Null where nothing is left to drop. */
function withoutOldest(messages: readonly ChatMessage[]): readonly ChatMessage[] | null {
  const first = messages[0]?.role === "system" ? 1 : 0;
  if (messages.length === first) return null;
  const next = messages.findIndex(({ role }, index) => index > first && role === "user");
  return [...messages.slice(0, first), ...(next < 0 ? [] : messages.slice(next))];
}

function exceptionOf(error: unknown): unknown {
  if (error instanceof DOMException || error instanceof TypeError) return error;
  const { code, message, hint } = EngineError.record(error);
  return new DOMException(hint ? `${message} ${hint}` : message, NAMES[code] ?? "UnknownError");
}
