// GPT4All's LLaMA models: the first LoRA, asked without any header, and the 13B called snoozy.
// Source: nomic-ai/gpt4all data.py (prompt, newline, response); lm-sys/FastChat fastchat/conversation.py, snoozy.
import { type ChatFamily, turnsOf } from "../family.ts";

/** "Hello\n": what a person asks and a line break. It hardly learned to end: `max_tokens` bounds its answers. */
export const gpt4allLora: ChatFamily = {
  id: "gpt4all-lora",
  name: "GPT4All-LoRA",
  mark: null,
  fits: ({ name }) => /gpt4all/i.test(name),
  system: "",
  render: (messages, { eos }) =>
    messages
      .filter(({ content }) => content !== "")
      .map(({ role, content }) => (role === "assistant" ? `${content}${eos}` : `${content}\n`))
      .join(""),
  stop: [],
  emptySystem: "",
};

const SYSTEM =
  "The prompt below is a question to answer, a task to complete, or a conversation to respond to; " +
  "decide which and write an appropriate response.";

/** "### Instruction:\n…\n### Prompt: Hello\n### Response:". */
export const snoozy: ChatFamily = {
  id: "gpt4all-snoozy",
  name: "GPT4All snoozy",
  mark: "### Prompt:",
  fits: ({ name }) => /snoozy/i.test(name),
  system: SYSTEM,
  render(messages) {
    const { system, turns } = turnsOf(messages);
    const lines = turns.map(({ role, content }) => `${role === "user" ? "### Prompt" : "### Response"}: ${content}\n`);
    return `${system === "" ? "" : `### Instruction:\n${system}\n`}${lines.join("")}### Response:`;
  },
  stop: ["###"],
  emptySystem: "",
};
