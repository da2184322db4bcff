// What the model is given: the site's instructions, the page's text, as much of the conversation as there is room for, the question.
import { EngineError } from "../../workers/engine/base/errors.ts";
import type { ChatMessage } from "../../workers/engine/base/openai.ts";
import { plural } from "../lib/format.ts";

/** What goes into a prompt. */
export interface Ingredients {
  readonly system: string;
  readonly context: string;
  readonly turns: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  readonly question: string;
}

export interface Prompt {
  readonly messages: readonly ChatMessage[];
  /** How much of the page's text is in it, 0 to 1. */
  readonly contextShare: number;
  /** Tokens that are left for the answer, at least. */
  readonly room: number;
}

/** A template's own words around a message, at most. */
const AROUND = 12;
/** Kept free for the answer: so many tokens, but no more than a quarter. */
const ANSWER = 512;

/**
 * A prompt that leaves room for an answer in a context of `positions` tokens. The page's text gives way first, to half of the room; then the
 * oldest turns. Throws `context_full` where the question alone is too long.
 */
export async function composePrompt(
  { system, context, turns, question }: Ingredients,
  positions: number,
  count: (text: string) => Promise<number>,
): Promise<Prompt> {
  const answer = Math.min(ANSWER, Math.floor(positions / 4));
  const asked = await count(question);
  let room = positions - answer - asked - (await count(system)) - 3 * AROUND;
  if (room < 0)
    throw new EngineError(
      "context_full",
      `The question takes ${plural(asked, "token")}, and the model has room for ${plural(Math.max(0, room + asked), "token")}.`,
      "Ask something shorter.",
    );
  const shown = await clip(context, Math.floor(room / 2), count);
  room -= shown.tokens;
  const kept: ChatMessage[] = [];
  for (const { role, text } of [...turns].reverse()) {
    room -= (await count(text)) + AROUND;
    if (room < 0) break;
    kept.unshift({ role, content: text });
  }
  while (kept[0]?.role === "assistant") kept.shift();
  const told =
    shown.text === "" ? system : `${system}\n\nThe person is reading this text. Answer from it:\n\n${shown.text}`.trim();
  return {
    messages: [
      ...(told === "" ? [] : [{ role: "system" as const, content: told }]),
      ...kept,
      { role: "user", content: question },
    ],
    contextShare: context === "" ? 1 : shown.text.length / context.length,
    room: answer,
  };
}

/** The beginning of a text that has at most so many tokens, cut between words. */
async function clip(
  text: string,
  most: number,
  count: (text: string) => Promise<number>,
): Promise<{ text: string; tokens: number }> {
  let kept = text;
  // tokens are not spread evenly over a text: a second cut, rarely a third, comes below
  for (let tries = 0; tries < 8; tries++) {
    const tokens = kept === "" ? 0 : await count(kept);
    if (tokens <= most) return { text: kept, tokens };
    kept = kept.slice(0, Math.floor((kept.length * most * 0.97) / tokens)).replace(/\s+\S*$/, "");
  }
  return { text: "", tokens: 0 };
}
