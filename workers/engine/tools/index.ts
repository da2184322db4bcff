// The ways of calling functions that are known, in the order in which a chat template is searched for their marks.
import type { ToolConvention } from "./convention.ts";

/** The last one is for models whose template says nothing of functions. */
export const CONVENTIONS: readonly ToolConvention[] = [
  {
    id: "mistral",
    marks: ["[TOOL_CALLS]"],
    open: "[TOOL_CALLS]",
    close: "",
    argumentsName: "arguments",
    isList: true,
    followsText: false,
    opensByToken: true,
  },
  {
    id: "llama3",
    marks: ["<|python_tag|>", "ipython"],
    open: "",
    close: "",
    argumentsName: "parameters",
    isList: false,
    followsText: false,
    opensByToken: false,
  },
  {
    id: "hermes",
    marks: [""],
    open: "<tool_call>\n",
    close: "\n</tool_call>",
    argumentsName: "arguments",
    isList: false,
    followsText: true,
    opensByToken: false,
  },
];
