// An answer's pieces with the calls taken out of their text.
import type { ToolCall } from "./convention.ts";
import type { Read, ToolReader } from "./reader.ts";

/** A piece as it is read: what is text and what is a call. */
export type WithCalls<Piece> = Piece & { readonly calls: readonly ToolCall[] };

/** Reads pieces as they come. `last` is the piece that what was held back to the end is told in; `unread` ends a reading that is given up. */
export async function* readingCalls<Piece extends { readonly text: string }, Ending>(
  pieces: AsyncGenerator<Piece, Ending, void>,
  reader: ToolReader,
  last: Piece,
  unread: Ending,
): AsyncGenerator<WithCalls<Piece>, Ending, void> {
  const shown = (piece: Piece, { text, calls }: Read): WithCalls<Piece> => ({ ...piece, text, calls });
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) {
        yield shown(last, reader.end());
        return next.value;
      }
      yield shown(next.value, reader.push(next.value.text));
    }
  } finally {
    await pieces.return(unread);
  }
}
