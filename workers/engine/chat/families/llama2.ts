// Llama 2's [INST] form: the system message rides in the first question.
// Source: meta-llama/llama llama/generation.py, chat_completion.
import type { ChatFamily } from "../family.ts";

/** "[INST] Hello [/INST]", and "[INST] Hello [/INST] Hi </s><s>[INST] How are you? [/INST]". */
export const llama2: ChatFamily = {
  id: "llama-2",
  name: "Llama 2 chat",
  mark: "<<SYS>>",
  fits: ({ name }) => /llama[-_ ]?v?2.*chat|codellama.*instruct/i.test(name),
  system: "",
  render(messages, { bos, eos }) {
    let prompt = "";
    let system = "";
    for (const [at, { role, content }] of messages.entries()) {
      if (role === "system") system = content === "" ? "" : `<<SYS>>\n${content.trim()}\n<</SYS>>\n\n`;
      else if (role === "assistant") prompt += ` ${content.trim()} ${eos}`;
      else {
        prompt += `${at > 0 && prompt !== "" ? bos : ""}[INST] ${system}${content.trim()} [/INST]`;
        system = "";
      }
    }
    return prompt;
  },
  stop: ["[INST]"],
  emptySystem: "<<SYS>>\n\n<</SYS>>\n\n",
};
