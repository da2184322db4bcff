// An answer on its way to the screen: Markdown blocks that change only at their end.
import { BlockReader, type Block } from "./markdown.ts";

// about 4 ms of reading and sanitizing at a time
const SLICE = 6_000;

/** The blocks of one answer. Feed it with the whole text so far, as often as it grows. */
export class MarkdownDocument {
  blocks = $state.raw<readonly Block[]>([]);
  #reader = new BlockReader();
  #text = "";
  #turn = 0;

  /** Shows `text`. A long text that arrives at once is read in slices, so that the page stays quick. */
  write(answer: string, ended: boolean): void {
    const text = answer.includes("\r") ? answer.replace(/\r\n?/g, "\n") : answer;
    const turn = ++this.#turn;
    if (!text.startsWith(this.#text)) this.#reader = new BlockReader();
    const grown = text.length - (text.startsWith(this.#text) ? this.#text.length : 0);
    if (grown <= SLICE) this.#show(text, ended);
    else void this.#writeSlowly(text, ended, turn);
  }

  async #writeSlowly(text: string, ended: boolean, turn: number): Promise<void> {
    for (let end = this.#text.length + SLICE; turn === this.#turn; end += SLICE) {
      if (end >= text.length) return this.#show(text, ended);
      this.#show(text.slice(0, end), false);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  #show(text: string, ended: boolean): void {
    this.#text = text;
    this.blocks = this.#reader.read(text, ended);
  }
}
