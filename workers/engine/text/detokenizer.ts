// Tokens to text as they come, one at a time: a token may end in the middle of a character.
import type { Tokenizer } from "./tokenizer.ts";

/** Makes readable text of a stream of tokens. */
export class Detokenizer {
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  private spaceAhead: boolean;

  /**
   * `start`: the tokens start a text, so that the space a tokenizer puts in front is taken away. Give false where they go on
   * after a prompt and the joint has to be exact.
   */
  constructor(
    private readonly tokenizer: Tokenizer,
    start = true,
  ) {
    this.spaceAhead = start && tokenizer.spacePrefix;
  }

  /** The characters that this token completes, perhaps none. Bytes that are no UTF-8 become U+FFFD. */
  push(id: number): string {
    return this.withoutPrefix(this.decoder.decode(this.tokenizer.piece(id), { stream: true }));
  }

  /** What is left at the end: U+FFFD for an unfinished character. The next token may start a new one. */
  flush(): string {
    return this.withoutPrefix(this.decoder.decode());
  }

  private withoutPrefix(text: string): string {
    if (!this.spaceAhead || text === "") return text;
    this.spaceAhead = false;
    return text.startsWith(" ") ? text.slice(1) : text;
  }
}
