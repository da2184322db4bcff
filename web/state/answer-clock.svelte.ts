// Counts the tokens of an answer while it is written, calmly: the shown speed changes four times a second at most.
import type { Usage } from "../../workers/engine/base/openai.ts";

export class AnswerClock {
  /** True until the first token: the model reads the question. */
  reading = $state(false);
  tokens = $state(0);
  tokensPerSecond = $state(0);
  contextTokens = $state(0);
  #firstAt = 0;
  #shownAt = 0;
  #count = 0;

  start(): void {
    this.reading = true;
    this.tokens = 0;
    this.tokensPerSecond = 0;
    this.#count = 0;
  }

  /** One piece of the stream: a token, but for the last piece, which has the usage. */
  tick(usage: Usage | undefined): void {
    const now = performance.now();
    if (usage) return this.#show(usage.completion_tokens, usage.total_tokens, now);
    if (this.#count++ === 0) {
      this.reading = false;
      this.#firstAt = this.#shownAt = now;
    }
    if (now - this.#shownAt >= 250) this.#show(this.#count, this.contextTokens + this.#count - this.tokens, now);
  }

  /** The numbers to keep with the answer. */
  end(usage: Usage | undefined): { tokens: number; tokensPerSecond: number; contextTokens: number } {
    this.reading = false;
    const tokens = usage?.completion_tokens ?? this.#count;
    return { tokens, tokensPerSecond: this.tokensPerSecond, contextTokens: usage?.total_tokens ?? this.contextTokens };
  }

  #show(tokens: number, contextTokens: number, now: number): void {
    this.tokens = tokens;
    this.contextTokens = contextTokens;
    this.#shownAt = now;
    const seconds = (now - this.#firstAt) / 1000;
    if (seconds > 0 && tokens > 1) this.tokensPerSecond = (tokens - 1) / seconds;
  }
}
