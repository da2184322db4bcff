// ChatML: OpenAI's format, which SmolLM, Qwen, Hermes and many others took over.
import type { ChatFamily } from "../family.ts";

/** "<|im_start|>user\nHello<|im_end|>\n". */
export const chatml: ChatFamily = {
  id: "chatml",
  name: "ChatML",
  mark: "<|im_start|>",
  fits: ({ specials }) => specials.includes("<|im_start|>"),
  system: "",
  render: (messages) =>
    messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("") + "<|im_start|>assistant\n",
  stop: ["<|im_end|>", "<|im_start|>"],
  emptySystem: "<|im_start|>system\n<|im_end|>\n",
};
