// Answers that outlive the tab in which the model runs: what was asked is asked again, and what was said already is not said twice.
import { EngineError } from "../engine/base/errors.ts";
import type { ChatCompletionChunk, Completion } from "../engine/base/openai.ts";

/** A piece of an answer, as far as it is looked at here. */
export type AnyPiece = ChatCompletionChunk | Completion;

/** Whether something failed because the tab with the engine has gone. */
export function isGone(error: unknown): boolean {
  return EngineError.record(error).code === "engine_gone";
}

/**
 * The pieces of `first`; where the engine goes in the middle, those of `again`, less what was said before: the same seed gives the same text.
 * Where it doesn't, as another backend may round differently, or when the second one goes too, throws `engine_gone`, and what was said stands.
 */
export async function* steady<Piece extends AnyPiece>(
  first: AsyncIterable<Piece>,
  again: () => Promise<AsyncIterable<Piece>>,
): AsyncGenerator<Piece, void, void> {
  let said = "";
  let head: Piece | null = null;
  let called = false;
  let failure: unknown;
  try {
    for await (const piece of first) {
      head ??= piece;
      said += textOf(piece);
      called ||= callsOf(piece);
      yield piece;
    }
    return;
  } catch (error) {
    if (!isGone(error) || called) throw error;
    failure = error;
  }
  let left = said;
  let role = head !== null; // the piece that only says who speaks has come
  for await (const piece of await again()) {
    const text = textOf(piece);
    if (left === "") {
      if (role && isRole(piece)) continue;
      yield head ? { ...piece, id: head.id, created: head.created } : piece;
      continue;
    }
    role = true;
    if (left.startsWith(text) && piece.choices[0].finish_reason === null && !callsOf(piece)) left = left.slice(text.length);
    else if (text.startsWith(left)) {
      yield { ...withText(piece, text.slice(left.length)), id: head!.id, created: head!.created };
      left = "";
    } else throw failure;
  }
}

function textOf(piece: AnyPiece): string {
  const [choice] = piece.choices;
  return "delta" in choice ? (choice.delta.content ?? "") : choice.text;
}

function callsOf(piece: AnyPiece): boolean {
  const [choice] = piece.choices;
  return "delta" in choice && choice.delta.tool_calls !== undefined;
}

function isRole(piece: AnyPiece): boolean {
  const [choice] = piece.choices;
  return "delta" in choice && choice.delta.role !== undefined;
}

function withText<Piece extends AnyPiece>(piece: Piece, text: string): Piece {
  const [choice] = piece.choices;
  const changed = "delta" in choice ? { ...choice, delta: { ...choice.delta, content: text } } : { ...choice, text };
  return { ...piece, choices: [changed] };
}
