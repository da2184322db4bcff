// GPT4All-J, which people take for a LLaMA: why it is none, and what runs instead.
import { EngineError } from "./errors.ts";

/** The refusal of a GPT-J, by its reason. */
export function refuseGptJ(): EngineError {
  return new EngineError(
    "unsupported_architecture",
    "This is GPT-J, as GPT4All-J is built on: another architecture, with one norm for attention and feed-forward, biases and partial rotation.",
    "Its LLaMA-based sisters run here: GPT4All 13B snoozy, or LLaMA 7B with the gpt4all-lora adapter.",
  );
}
