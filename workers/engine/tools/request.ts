// What a chat request says of functions, checked once on entry.
import { badRequest, recordOf } from "../base/request.ts";
import type { ChatRequest, ChatTool, ChatToolCall } from "../base/openai.ts";

/** Functions offered to the model, and whether it has to call one. */
export interface ToolWishes {
  /** What the model is told of. */
  readonly offered: readonly ChatTool[];
  /** What it may call: one of these, and where `mustCall` nothing else. */
  readonly callable: readonly ChatTool[];
  readonly mustCall: boolean;
  /** Several calls in one answer. */
  readonly parallel: boolean;
}

/** The functions of a request; null where there are none, or none is to be called. Throws `bad_request`, naming the field. */
export function toolWishes(request: ChatRequest): ToolWishes | null {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel }: Readonly<Record<string, unknown>> = { ...request };
  if (parallel !== undefined && parallel !== null && typeof parallel !== "boolean")
    throw badRequest("parallel_tool_calls must be true or false.");
  if (tools === undefined || tools === null) {
    if (choice && choice !== "none" && choice !== "auto") throw badRequest("tool_choice needs tools.");
    return null;
  }
  if (!Array.isArray(tools)) throw badRequest("tools must be a list.");
  const offered = tools.map((tool: unknown, index) => toolOf(tool, `tools[${index}]`));
  const names = offered.map((tool) => tool.function.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw badRequest(`tools has ${JSON.stringify(twice)} twice.`);
  if (offered.length === 0 || choice === "none") return null;
  const wishes = { offered, callable: offered, mustCall: choice === "required", parallel: parallel !== false };
  if (choice === undefined || choice === null || choice === "auto" || choice === "required") return wishes;
  const named = recordOf(recordOf(choice, "tool_choice")["function"], "tool_choice.function")["name"];
  const callable = offered.filter((tool) => tool.function.name === named);
  if (callable.length === 0) throw badRequest(`tool_choice names ${JSON.stringify(named)}, which is none of the tools.`);
  return { offered, callable, mustCall: true, parallel: false };
}

/** The calls of an assistant's message. Throws `bad_request`. */
export function toolCallsOf(value: unknown, where: string): ChatToolCall[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw badRequest(`${where} must be a list.`);
  return value.map((call: unknown, index) => {
    const { id, function: called } = recordOf(call, `${where}[${index}]`);
    const { name, arguments: given } = recordOf(called, `${where}[${index}].function`);
    if (typeof id !== "string" || typeof name !== "string")
      throw badRequest(`${where}[${index}] must have an id and a function's name.`);
    if (typeof given !== "string" || !isJson(given))
      throw badRequest(`${where}[${index}].function.arguments must be JSON, as text.`);
    return { id, type: "function", function: { name, arguments: given } };
  });
}

function toolOf(value: unknown, where: string): ChatTool {
  const { type, function: offered } = recordOf(value, where);
  if (type !== "function") throw badRequest(`${where}.type must be "function".`);
  const { name, description, parameters, strict } = recordOf(offered, `${where}.function`);
  if (typeof name !== "string" || !/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
    throw badRequest(`${where}.function.name must be 1 to 64 letters, digits, dots, dashes and underscores.`);
  }
  return {
    type: "function",
    function: {
      name,
      ...(typeof description === "string" ? { description } : {}),
      ...(parameters === undefined || parameters === null
        ? {}
        : { parameters: recordOf(parameters, `${where}.function.parameters`) }),
      ...(strict === true ? { strict } : {}),
    },
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
