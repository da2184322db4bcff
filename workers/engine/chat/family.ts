// A family of prompt formats: how messages become the one text its models were trained on.
import type { ChatMessage } from "../base/openai.ts";

/** What the model's file says that matters for prompts. */
export interface ChatFile {
  /** tokenizer.chat_template; null where the file has none. */
  readonly template: string | null;
  /** general.name and the name of the file. */
  readonly name: string;
  /** Texts of the start and end tokens, or "". */
  readonly bos: string;
  readonly eos: string;
  /** Texts of the tokens that are no part of a text: those that a user must not be able to type. */
  readonly specials: readonly string[];
}

/** A format for files that bring no template of their own, or for whoever chooses it. */
export interface ChatFamily {
  /** For requests and files: "vicuna-v1.1". */
  readonly id: string;
  /** For people: "Vicuna 1.1 to 1.5". */
  readonly name: string;
  /** What only templates of this family contain; null where its models come without one. */
  readonly mark: string | null;
  /** Whether a file without a template is of this family. */
  fits(file: ChatFile): boolean;
  /** The system message its models were trained with, where a conversation has none; "" for none. */
  readonly system: string;
  /** The prompt up to where the answer begins, without the start token. A system message can only come first; an empty one is none. */
  render(messages: readonly ChatMessage[], file: ChatFile): string;
  /** Texts that end an answer, should the model write them out. */
  readonly stop: readonly string[];
  /** How a template of this family writes a system message without content. */
  readonly emptySystem: string;
  /** The token that prompts start with, where it is not the file's own start token. */
  readonly start?: "end token";
  /** What a person should be told before they believe an answer. */
  readonly notice?: string;
}

/** A conversation as its system message, or "", and its turns. */
export interface Turns {
  readonly system: string;
  readonly turns: readonly ChatMessage[];
}

/** Takes the system message off the front. */
export function turnsOf(messages: readonly ChatMessage[]): Turns {
  const [first, ...rest] = messages;
  return first?.role === "system" ? { system: first.content, turns: rest } : { system: "", turns: messages };
}
