// Llama 3's headers.
// Source: Meta, "Llama 3 model card and prompt formats".
import type { ChatFamily } from "../family.ts";

/** "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>". */
export const llama3: ChatFamily = {
  id: "llama-3",
  name: "Llama 3",
  mark: "<|start_header_id|>",
  fits: ({ specials }) => specials.includes("<|start_header_id|>"),
  system: "",
  render: (messages) =>
    messages.map(({ role, content }) => `${header(role)}${content.trim()}<|eot_id|>`).join("") + header("assistant"),
  stop: ["<|eot_id|>", "<|start_header_id|>"],
  emptySystem: `${header("system")}<|eot_id|>`,
};

function header(role: string): string {
  return `<|start_header_id|>${role}<|end_header_id|>\n\n`;
}
