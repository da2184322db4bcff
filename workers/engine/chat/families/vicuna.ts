// Vicuna 1.1 to 1.5: plain dialogue on one line, each answer ended by the end token.
// Source: lm-sys/FastChat fastchat/conversation.py, vicuna_v1.1.
import type { ChatFamily } from "../family.ts";

const SYSTEM =
  "A chat between a curious user and an artificial intelligence assistant. " +
  "The assistant gives helpful, detailed, and polite answers to the user's questions.";

/** "USER: Hello ASSISTANT: Hi!</s>USER: How are you? ASSISTANT:", the system message in front. */
export const vicuna: ChatFamily = {
  id: "vicuna-v1.1",
  name: "Vicuna 1.1 to 1.5",
  mark: "USER:",
  fits: ({ name }) => /vicuna/i.test(name),
  system: SYSTEM,
  render: (messages, { eos }) =>
    messages
      .map(({ role, content }) => {
        if (role === "system") return content === "" ? "" : `${content} `;
        return role === "user" ? `USER: ${content} ` : `ASSISTANT: ${content}${eos}`;
      })
      .join("") + "ASSISTANT:",
  stop: ["USER:"],
  emptySystem: "",
};

/** The same without a system message: what most models without a template of their own follow well enough. */
export const dialogue: ChatFamily = {
  ...vicuna,
  id: "dialogue",
  name: "Plain dialogue",
  mark: null,
  fits: () => true,
  system: "",
};
