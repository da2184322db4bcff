// The conversation on the screen: asking, answering, stopping, asking again. Every word is written to the store as it comes.
import type { Cria } from "../../workers/engine/base/cria.ts";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { ChatCompletionChunk, ChatMessage, SamplingParameters } from "../../workers/engine/base/openai.ts";
import {
  newestLeaf,
  pathTo,
  siblings,
  timeAfter,
  titleOf,
  union,
  type Answer,
  type Conversation,
  type Message,
} from "../lib/conversation.ts";
import type { Adapters } from "./adapters.svelte.ts";
import { AnswerClock } from "./answer-clock.svelte.ts";
import type { Conversations } from "./conversations.svelte.ts";
import { Journal } from "./journal.ts";
import type { Model } from "./model.svelte.ts";
import type { OwnServer } from "./own-server.svelte.ts";
import type { Settings } from "./settings.svelte.ts";

export class Chat {
  conversation = $state.raw<Conversation | null>(null);
  /** All branches. */
  messages = $state.raw<readonly Message[]>([]);
  /** What is shown, first to last. */
  readonly path = $derived(pathTo(this.messages, this.conversation?.head ?? null));
  /** Id of the answer being written; null while idle. */
  answering = $state<string | null>(null);
  /** Its text so far; that of the last answer while idle. */
  text = $state("");
  /** Id of the last answer that was written in this tab. */
  written = $state<string | null>(null);
  error = $state.raw<ErrorRecord | null>(null);
  readonly clock = new AnswerClock();
  /** Positions of the context that the shown path takes, as far as is known. */
  readonly contextTokens = $derived.by(() => {
    if (this.answering) return this.clock.contextTokens;
    return (
      this.path.findLast((message) => message.answer !== null && message.answer.contextTokens > 0)?.answer?.contextTokens ?? 0
    );
  });
  /** True where the path ends with an answer. */
  readonly lastAnswered = $derived(this.path.at(-1)?.role === "assistant");
  #controller: AbortController | null = null;

  constructor(
    private readonly model: Model,
    private readonly settings: Settings,
    private readonly conversations: Conversations,
    private readonly adapters: Pick<Adapters, "uses"> | null = null,
    private readonly server: Pick<OwnServer, "on" | "answer" | "kept" | "host"> | null = null,
  ) {}

  /** An empty conversation; it is stored with its first question. */
  startNew(): void {
    this.#leave();
    this.conversation = null;
    this.messages = [];
  }

  /** Shows a stored conversation. False if it is gone. */
  async open(id: string): Promise<boolean> {
    const archive = await this.conversations.open(id);
    if (!archive) return false;
    this.#leave();
    this.conversation = archive.conversation;
    this.messages = archive.messages;
    return true;
  }

  /** Takes over what another tab wrote; a conversation that is gone is closed unless an answer is being written. */
  async reread(): Promise<void> {
    const id = this.conversation?.id;
    if (!id || this.answering) return;
    const archive = await this.conversations.open(id);
    if (this.conversation?.id !== id || this.answering) return;
    if (!archive) return this.conversations.kept ? this.startNew() : undefined;
    this.conversation = archive.conversation;
    this.messages = union(archive.messages, this.messages);
  }

  /** Asks a question at the end of the path, or instead of an earlier `edited` one. */
  async ask(text: string, edited: Message | null = null): Promise<void> {
    if (this.answering || !text.trim()) return;
    const now = timeAfter(this.messages);
    const parent = edited ? edited.parent : (this.conversation?.head ?? null);
    const question: Message = { id: crypto.randomUUID(), parent, role: "user", text: text.trim(), at: now, answer: null };
    this.conversation = {
      ...(this.conversation ?? { id: crypto.randomUUID(), title: titleOf(text), createdAt: now, seenFrom: null }),
      head: question.id,
      updatedAt: now,
    };
    this.messages = [...this.messages, question];
    await this.#answer(question);
  }

  /** Answers the last question of the path again. The answer before stays as a branch. */
  async retry(): Promise<void> {
    const question = this.path.findLast((message) => message.role === "user");
    if (question && !this.answering) await this.#answer(question);
  }

  /** Shows another branch. */
  async show(message: Message): Promise<void> {
    if (!this.conversation || this.answering) return;
    this.error = null;
    this.conversation = { ...this.conversation, head: newestLeaf(this.messages, message).id };
    await this.conversations.save(this.conversation, []);
  }

  branches(message: Message): Message[] {
    return siblings(this.messages, message);
  }

  /** Ends the answer where it is. What is there stays. */
  stop(): void {
    this.#controller?.abort();
  }

  /** Leaves the oldest turns out of what the model is given until half of the context is free. They stay on the screen. */
  async dropOldest(): Promise<void> {
    const cria = this.model.cria;
    if (!this.conversation || !cria) return;
    const path = this.path;
    const room = cria.info.contextLength / 2;
    let seenFrom: Message | undefined = path.findLast((message) => message.role === "user");
    let tokens = 0;
    for (const message of [...path].reverse()) {
      tokens += (await cria.tokenize(message.text)).length + 8; // a template's own words around a message
      if (tokens > room) break;
      if (message.role === "user") seenFrom = message;
    }
    this.conversation = { ...this.conversation, seenFrom: seenFrom?.id ?? null };
    await this.conversations.save(this.conversation, []);
  }

  #leave(): void {
    this.stop();
    this.answering = null; // the answer is still put in its place, off the screen
    this.error = null;
  }

  async #answer(question: Message): Promise<void> {
    const controller = new AbortController();
    this.#controller = controller;
    this.error = null;
    this.text = "";
    this.clock.start();
    const request = this.settings.request();
    let facts: Answer = {
      model: "",
      backend: "",
      tokens: 0,
      tokensPerSecond: 0,
      contextTokens: 0,
      seed: request.seed,
      stop: null,
    };
    const id = crypto.randomUUID();
    const draft = { id, parent: question.id, role: "assistant" as const, text: "", at: timeAfter(this.messages) };
    const conversation: Conversation = { ...this.conversation!, head: id };
    this.conversation = conversation;
    this.messages = [...this.messages, { ...draft, answer: facts }];
    this.answering = id;
    this.written = id;
    const asked = pathTo(this.messages, question.id);
    const journal = new Journal<string>((text) =>
      this.conversations.saveMessage(conversation.id, { ...draft, text, answer: facts }),
    );
    let text = "";
    let failure: ErrorRecord | null = null;
    try {
      await this.conversations.save(conversation, [question, { ...draft, answer: facts }]);
      const { signal } = controller;
      const source = this.server?.on
        ? await this.#fromServer(this.server, asked, signal)
        : await this.#fromModel(request, asked, conversation.id, signal);
      facts = { ...facts, ...source.by };
      for await (const chunk of source.chunks) {
        text += this.#take(chunk);
        if (this.answering === id) this.text = text;
        journal.write(text);
        const stop = chunk.choices[0].stop_type;
        if (stop) facts = { ...facts, stop, ...this.clock.end(chunk.usage) };
      }
      if (source.cria) facts = await this.#measured(source.cria, facts);
    } catch (error) {
      const record = EngineError.record(error);
      facts = { ...facts, stop: "stopped", ...this.clock.end(undefined) };
      if (record.code !== "aborted") failure = record;
    }
    await journal.flush();
    await this.#conclude(conversation, question, text || !failure ? { ...draft, text, answer: facts } : null, draft.id, failure);
  }

  /** An answer of the model in this device. */
  async #fromModel(
    request: SamplingParameters,
    asked: readonly Message[],
    conversation: string,
    signal: AbortSignal,
  ): Promise<Source> {
    const cria = await this.model.whenReady(signal);
    const { id, name, backend, tier } = cria.info;
    const adapters = (await this.adapters?.uses(cria)) ?? [];
    const system = this.settings.system.trim();
    const turns = this.#turns(asked);
    const chunks = await cria.chat.completions.create(
      {
        ...request,
        messages: system ? [{ role: "system", content: system }, ...turns] : turns,
        prompt_format: this.settings.promptFormatOf(id),
        ...(adapters.length > 0 && { adapters }),
        stream: true,
      },
      { signal, conversation },
    );
    return { chunks, by: { model: name, backend: `${backend} ${tier}` }, cria };
  }

  /** An answer of the person's own server. */
  async #fromServer(
    server: Pick<OwnServer, "answer" | "kept" | "host">,
    asked: readonly Message[],
    signal: AbortSignal,
  ): Promise<Source> {
    const by = { model: server.kept.model, backend: server.host };
    return { chunks: await server.answer(this.#turns(asked), this.settings, signal), by, cria: null };
  }

  /** Counts a piece of the answer and gives its text. */
  #take(chunk: ChatCompletionChunk): string {
    const piece = chunk.choices[0].delta.content ?? "";
    this.clock.tick(chunk.usage);
    return piece;
  }

  async #measured(cria: Cria, facts: Answer): Promise<Answer> {
    const { decode } = await cria.stats();
    return decode.milliseconds > 0 ? { ...facts, tokensPerSecond: (decode.tokens * 1000) / decode.milliseconds } : facts;
  }

  /** Puts a finished answer in its place, or takes an empty failed one away. */
  async #conclude(
    of: Conversation,
    question: Message,
    answer: Message | null,
    id: string,
    failure: ErrorRecord | null,
  ): Promise<void> {
    const conversation = { ...of, head: answer ? answer.id : question.id, updatedAt: Date.now() };
    if (this.conversation?.id === of.id) {
      // the person may have gone to another conversation meanwhile
      this.messages = this.messages.flatMap((message) => (message.id !== id ? message : (answer ?? [])));
      this.conversation = { ...conversation, title: this.conversation.title };
      this.error = failure;
      if (answer?.answer?.stop === "context_full") this.error = CONTEXT_FULL;
    }
    if (this.answering === id) this.answering = null;
    if (!answer) await this.conversations.dropMessage(of.id, id);
    const title = this.conversations.list.find((other) => other.id === of.id)?.title ?? of.title;
    await this.conversations.save({ ...conversation, title }, answer ? [answer] : []);
  }

  /** The turns the model still sees. */
  #turns(asked: readonly Message[]): ChatMessage[] {
    const from = asked.findIndex((message) => message.id === this.conversation?.seenFrom);
    return asked.slice(Math.max(0, from)).map(({ role, text }) => ({ role, content: text }));
  }
}

/** Where an answer comes from. */
interface Source {
  readonly chunks: AsyncIterable<ChatCompletionChunk>;
  readonly by: Pick<Answer, "model" | "backend">;
  /** Null where it is not this device that answers. */
  readonly cria: Cria | null;
}

const CONTEXT_FULL: ErrorRecord = {
  code: "context_full",
  message: "The answer stopped because this conversation has reached the length the model can take in.",
  hint: "Let the model forget the oldest turns; they stay on your screen.",
};
