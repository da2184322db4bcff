// Vicuna 1.1's plain dialogue: the form that most models without a template of their own follow well enough.
// Source: lm-sys/FastChat fastchat/conversation.py, vicuna_v1.1.
import type { ChatFamily } from "./family.ts";

/** "USER: Hello ASSISTANT: Hi!</s>USER: How are you? ASSISTANT:". */
export const vicuna: ChatFamily = {
  name: "Vicuna",
  mark: "USER:",
  fits: () => true,
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
