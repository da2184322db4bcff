// The conversation in the frame: it lives in memory alone. The page's questions and the visitor's are told apart.
import type { Cria } from "../../workers/engine/base/cria.ts";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { ChatRequest, StopType } from "../../workers/engine/base/openai.ts";
import type { Budget } from "./budget.svelte.ts";
import { composePrompt } from "./prompt.ts";

/** A question or an answer on the screen. */
export interface Turn {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly text: string;
  /** Who asked: the answer belongs to its question. */
  readonly by: "visitor" | "page";
  /** The page may know it: it asked itself, or the visitor shares. */
  readonly open: boolean;
  /** How an answer ended; null for questions, and while it is written. */
  readonly stop: StopType | null;
}

/** What the conversation needs of the rest of the frame. */
export interface Surroundings {
  whenReady(signal: AbortSignal): Promise<Cria>;
  /** Sampling, without messages. */
  sampling(): Omit<ChatRequest, "messages">;
  system(): string;
  context(): string;
  readonly budget: Budget;
}

export interface AskOptions {
  readonly by: Turn["by"];
  readonly open: boolean;
  readonly onPiece?: (text: string) => void;
}

/** Longest answer, in tokens: a loop of the model must end some time. */
const LONGEST_ANSWER = 1024;

export class Talk {
  turns = $state.raw<readonly Turn[]>([]);
  /** Id of the answer that is awaited or written; null while idle. */
  answering = $state<string | null>(null);
  /** Id of the last answer, for the screen reader. */
  written = $state<string | null>(null);
  /** Its text so far. */
  text = $state("");
  error = $state.raw<ErrorRecord | null>(null);
  /** How much of the page's text the model last saw, 0 to 1. */
  contextShare = $state(1);
  #stopping: AbortController | null = null;

  constructor(private readonly around: Surroundings) {}

  /**
   * Asks and resolves with the answer, whole or as far as it came when it was stopped. Throws `busy`, `budget_spent`, `aborted` where it was stopped
   * before its first word, what `refuse` gave, and what the engine throws.
   */
  async ask(question: string, { by, open, onPiece }: AskOptions): Promise<{ text: string; tokens: number }> {
    if (this.answering !== null)
      throw new EngineError("busy", "Another question is being answered.", "Wait for its answer, or stop it.");
    if (this.around.budget.isSpent) throw spent();
    const before = this.turns;
    const id = crypto.randomUUID();
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.error = null;
    this.text = "";
    this.turns = [
      ...before,
      { id: `${id}-q`, role: "user", text: question, by, open, stop: null },
      { id, role: "assistant", text: "", by, open, stop: null },
    ];
    this.answering = this.written = id;
    try {
      const cria = await this.around.whenReady(stopping.signal);
      // What a visitor typed is no part of the page's questions, or an answer could repeat it to the page.
      const seen = by === "page" ? before.filter((turn) => turn.open) : before;
      const answer = await this.#answer(cria, question, seen, stopping.signal, (piece, text) => {
        if (this.answering === id) this.text = text;
        onPiece?.(piece);
      });
      if (this.answering === id) this.#replace(id, { text: answer.text, stop: answer.stop });
      return answer;
    } catch (error) {
      const failure = EngineError.record(stopping.signal.reason instanceof EngineError ? stopping.signal.reason : error);
      if (this.answering === id) {
        this.turns = this.text === "" ? this.turns.filter((turn) => turn.id !== id) : this.turns;
        this.#replace(id, { text: this.text, stop: "stopped" });
        this.error = failure.code === "aborted" ? null : failure;
      }
      throw EngineError.revive(failure);
    } finally {
      if (this.answering === id) this.answering = null;
    }
  }

  /** Ends the answer where it is. */
  stop(): void {
    this.#stopping?.abort();
  }

  /** Ends a question that still waits for the model, for a reason; it is taken off the screen. */
  refuse(reason: EngineError): void {
    if (this.answering === null) return;
    const id = this.answering;
    this.answering = null;
    this.turns = this.turns.filter((turn) => turn.id !== id && turn.id !== `${id}-q`);
    this.#stopping?.abort(reason);
  }

  /** Empties the conversation. */
  reset(): void {
    this.answering = null; // its end finds nothing to write to
    this.stop();
    this.turns = [];
    this.error = null;
    this.text = "";
    this.written = null;
  }

  async #answer(
    cria: Cria,
    question: string,
    seen: readonly Turn[],
    signal: AbortSignal,
    onPiece: (piece: string, text: string) => void,
  ): Promise<{ text: string; tokens: number; stop: StopType | null }> {
    const { budget } = this.around;
    const ingredients = { system: this.around.system(), context: this.around.context(), turns: seen, question };
    const count = async (text: string): Promise<number> => (await cria.tokenize(text)).length;
    const { messages, contextShare } = await composePrompt(ingredients, cria.info.contextLength, count);
    this.contextShare = contextShare;
    const max_tokens = Math.max(1, Math.min(LONGEST_ANSWER, budget.left ?? LONGEST_ANSWER));
    const request = { ...this.around.sampling(), max_tokens, messages, stream: true as const };
    let text = "";
    let tokens = 0;
    let stop: StopType | null = null;
    for await (const { choices, usage } of await cria.chat.completions.create(request, { signal, urgency: "widget" })) {
      const piece = choices[0].delta.content ?? "";
      stop = choices[0].stop_type ?? stop;
      if (piece !== "") {
        text += piece;
        onPiece(piece, text);
        budget.spend(1); // at once: a page that takes the frame away has spent it all the same
        tokens++;
      }
      if (stop !== null && usage) {
        const read = usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens;
        budget.spend(read + usage.completion_tokens - tokens);
        tokens = usage.completion_tokens;
      }
    }
    return { text, tokens, stop };
  }

  #replace(id: string, change: Partial<Turn>): void {
    this.turns = this.turns.map((turn) => (turn.id === id ? { ...turn, ...change } : turn));
  }
}

function spent(): EngineError {
  return new EngineError(
    "budget_spent",
    "The tokens that this site may use here today are spent.",
    "They come back tomorrow; Cria itself has no limit.",
  );
}
