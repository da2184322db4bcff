// Koala: Vicuna's form of one line, in the words of Berkeley.
// Source: young-geng/EasyLM (branch koala_jax_0.3) docs/koala.md; lm-sys/FastChat fastchat/conversation.py, koala_v1.
import { type ChatFamily, turnsOf } from "../family.ts";

/** "BEGINNING OF CONVERSATION: USER: Hello GPT: Hi!</s>USER: How are you? GPT:". */
export const koala: ChatFamily = {
  id: "koala",
  name: "Koala",
  mark: "BEGINNING OF CONVERSATION",
  fits: ({ name }) => /koala/i.test(name),
  system: "",
  render(messages, { eos }) {
    const { system, turns } = turnsOf(messages);
    const parts = turns.map(({ role, content }) => (role === "user" ? `USER: ${content} ` : `GPT: ${content}${eos}`));
    return `BEGINNING OF CONVERSATION: ${system === "" ? "" : `${system} `}${parts.join("")}GPT:`;
  },
  stop: ["USER:"],
  emptySystem: "",
};
