// Cuts a growing answer into sentences, so that a screen reader says whole ones and never starts again.

/** Takes the text so far, again and again, and gives what became a whole sentence since. */
export class SentenceReader {
  #read = 0;
  readonly #segmenter = new Intl.Segmenter(undefined, { granularity: "sentence" });

  /** The sentences of `text` that are new and over; with `ended`, the rest as well. Markdown signs are left out. */
  next(text: string, ended = false): string {
    const rest = text.slice(this.#read);
    const sentences = [...this.#segmenter.segment(rest)].map((piece) => piece.segment);
    const whole = ended ? sentences : sentences.slice(0, -1); // the last one may go on
    const said = whole.join("");
    this.#read += said.length;
    return plain(said);
  }
}

function plain(markdown: string): string {
  return markdown
    .replace(/```\w*/g, " ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*(#{1,6}|[-*+]|>)\s+/gm, "")
    .replace(/[*_`|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
