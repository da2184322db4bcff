// LLaMA as Meta released it: no dialogue, a text that goes on.
// Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models"; meta-llama/llama example.py (v1).
import type { ChatFamily } from "../family.ts";

/** The messages, one a line; the answer goes on where the last one stops. */
export const llama: ChatFamily = {
  id: "llama",
  name: "LLaMA (plain text)",
  mark: null,
  fits: ({ name }) => /(^|[\s/_-])llama([-_ ]?v?1)?[-_ ](7|13|30|33|65)b(?!.*(chat|instruct|lora|adapter))/i.test(name),
  system: "",
  render: (messages) =>
    messages
      .filter(({ content }) => content !== "")
      .map(({ content }) => content)
      .join("\n"),
  stop: [],
  emptySystem: "",
};
