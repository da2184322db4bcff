// A family of prompt formats: how messages become the one text its models were trained on.
import type { ChatMessage } from "../base/openai.ts";

/** What the model's file says that matters for prompts. */
export interface ChatFile {
  /** tokenizer.chat_template; null where the file has none. */
  readonly template: string | null;
  /** general.name, or "". */
  readonly name: string;
  /** Texts of the start and end tokens, or "". */
  readonly bos: string;
  readonly eos: string;
  /** Texts of the tokens that are no part of a text: those that a user must not be able to type. */
  readonly specials: readonly string[];
}

/** A format for files that bring no template of their own. */
export interface ChatFamily {
  /** For people: "ChatML". */
  readonly name: string;
  /** What only templates of this family contain. */
  readonly mark: string;
  /** Whether a file without a template is of this family. */
  fits(file: ChatFile): boolean;
  /** The prompt up to where the answer begins, without the start token. A system message can only come first. */
  render(messages: readonly ChatMessage[], file: ChatFile): string;
  /** Texts that end an answer, should the model write them out. */
  readonly stop: readonly string[];
  /** How a template of this family writes a system message without content. */
  readonly emptySystem: string;
}
