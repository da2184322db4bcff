// Stanford Alpaca: an instruction, perhaps an input it is about, and a response that starts right after the colon.
// Source: tatsu-lab/stanford_alpaca train.py, PROMPT_DICT; lm-sys/FastChat fastchat/conversation.py, alpaca.
import type { ChatMessage } from "../../base/openai.ts";
import { type ChatFamily, type ChatFile, turnsOf } from "../family.ts";

const WITHOUT_INPUT =
  "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n";
const WITH_INPUT =
  "Below is an instruction that describes a task, paired with an input that provides further context. " +
  "Write a response that appropriately completes the request.\n\n";

/**
 * "### Instruction:\n…\n\n### Response:". A system message is the instruction, and each question its input: so that "Translate to
 * French." as a system message and a sentence as a question make what Alpaca was trained on. Further turns follow the end token.
 */
export const alpaca: ChatFamily = {
  id: "alpaca",
  name: "Alpaca, LLaMA-Adapter",
  mark: "### Instruction:",
  fits: ({ name }) => /alpaca|llama[-_ ]?adapter/i.test(name),
  system: "",
  render: (messages, file) => renderAlpaca(messages, file, ""),
  stop: ["### Instruction:"],
  emptySystem: "",
};

/** The same with a line break before the response, as Alpaca-LoRA was trained and asked. */
export const alpacaLora: ChatFamily = {
  ...alpaca,
  id: "alpaca-lora",
  name: "Alpaca-LoRA",
  mark: null,
  fits: ({ name }) => /alpaca[-_ ]?lora/i.test(name),
  render: (messages, file) => renderAlpaca(messages, file, "\n"),
};

/** The same as FastChat writes it, on one line each: for models tuned on conversations through FastChat. */
export const alpacaFastChat: ChatFamily = {
  ...alpaca,
  id: "alpaca-fastchat",
  name: "Alpaca as FastChat has it",
  mark: null,
  fits: () => false,
  system: WITHOUT_INPUT.trim(),
  render(messages, { eos }) {
    const { system, turns } = turnsOf(messages);
    const lines = turns.map(({ role, content }) =>
      role === "user" ? `### Instruction: ${content}\n\n` : `### Response: ${content}${eos}`,
    );
    return `${system === "" ? "" : `${system}\n\n`}${lines.join("")}### Response:`;
  },
};

function renderAlpaca(messages: readonly ChatMessage[], { eos }: ChatFile, afterResponse: string): string {
  const { system, turns } = turnsOf(messages);
  const question = (content: string): string =>
    system === "" ? `### Instruction:\n${content}\n\n` : `### Instruction:\n${system}\n\n### Input:\n${content}\n\n`;
  const parts = turns.map(({ role, content }) =>
    role === "user" ? question(content) : `### Response:${afterResponse}${content}${eos}`,
  );
  return `${system === "" ? WITHOUT_INPUT : WITH_INPUT}${parts.join("")}### Response:${afterResponse}`;
}
