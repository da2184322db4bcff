// How a family of models calls functions: what a call looks like in its answer.
import type { ChatMessage, ChatTool } from "../base/openai.ts";

/** One way of writing calls. */
export interface ToolConvention {
  readonly id: string;
  /** What only chat templates of this convention contain: any of these. */
  readonly marks: readonly string[];
  /** What stands before a call, or before the list of them; "" where the answer begins with the call itself. */
  readonly open: string;
  readonly close: string;
  /** Name of the property that holds a call's arguments. */
  readonly argumentsName: "arguments" | "parameters";
  /** Calls come as one JSON list, not one after another. */
  readonly isList: boolean;
  /** Calls may follow other text; else they are the whole answer. */
  readonly followsText: boolean;
  /** `open` is a token that is no text: a prompt can end with it, but no grammar can ask for it. */
  readonly opensByToken: boolean;
}

/** A call as it was read from an answer. */
export interface ToolCall {
  readonly name: string;
  /** JSON, as the API has it. */
  readonly arguments: string;
}

/** The same conversation for templates that know nothing of functions: offers, calls and results written out. */
export function writtenOut(messages: readonly ChatMessage[], tools: readonly ChatTool[]): ChatMessage[] {
  const written = messages.map((message): ChatMessage => {
    if (message.role === "tool") return { role: "user", content: `<tool_response>\n${message.content}\n</tool_response>` };
    if (message.role !== "assistant" || !message.tool_calls) return message;
    const calls = message.tool_calls.map(({ function: { name, arguments: given } }) => {
      return `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${given}}\n</tool_call>`;
    });
    return { role: "assistant", content: [message.content, ...calls].filter(Boolean).join("\n") };
  });
  if (tools.length === 0) return written;
  const [first, ...rest] = written;
  const offer = offerOf(tools);
  if (first?.role !== "system") return [{ role: "system", content: offer }, ...written];
  return [{ role: "system", content: first.content === "" ? offer : `${first.content}\n\n${offer}` }, ...rest];
}

/** Source: the system prompt of Nous Research's Hermes 2 Pro, which many later models were trained on. */
function offerOf(tools: readonly ChatTool[]): string {
  return [
    "You may call functions to help with the user's question. These are their signatures:",
    "<tools>",
    ...tools.map((tool) => JSON.stringify(tool)),
    "</tools>",
    "To call one, answer with its name and arguments as JSON within these tags:",
    "<tool_call>",
    '{"name": "the function\'s name", "arguments": {}}',
    "</tool_call>",
  ].join("\n");
}
