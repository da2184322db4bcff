// Mistral Instruct: [INST] as in Llama 2, without its spaces and start tokens, and with no place for a system message.
// Source: lm-sys/FastChat fastchat/conversation.py, mistral; mistralai/mistral-common for the system message in the first question.
import { type ChatFamily, turnsOf } from "../family.ts";

/** "[INST] Hello [/INST] Hi!</s>[INST] How are you? [/INST]". */
export const mistral: ChatFamily = {
  id: "mistral",
  name: "Mistral Instruct",
  mark: "[INST]",
  fits: ({ specials, name }) => specials.includes("[INST]") || /mistral|mixtral/i.test(name),
  system: "",
  render(messages, { eos }) {
    const { system, turns } = turnsOf(messages);
    return turns
      .map(({ role, content }, at) => {
        if (role === "assistant") return ` ${content}${eos}`;
        return `[INST] ${at === 0 && system !== "" ? `${system}\n\n` : ""}${content} [/INST]`;
      })
      .join("");
  },
  stop: ["[INST]"],
  emptySystem: "",
};
