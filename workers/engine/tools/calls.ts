// The grammar of an answer that calls functions, or may.
import { EngineError } from "../base/errors.ts";
import type { ChatTool } from "../base/openai.ts";
import {
  characters,
  choice,
  complement,
  optional,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Rules,
} from "../grammar/expression.ts";
import { jsonRules } from "../grammar/json.ts";
import type { Format } from "../grammar/grammar.ts";
import { schemaRules } from "../grammar/schema.ts";
import type { ToolConvention } from "./convention.ts";
import type { ToolWishes } from "./request.ts";

/**
 * Answers that call one of these functions, or several where `parallel`; with `isFree` also answers that call none. Null where no
 * grammar can tell: then the model is trusted. Throws `bad_request` for the parameters of a strict function that can't be enforced.
 */
export function callRules(
  tools: readonly ChatTool[],
  convention: ToolConvention,
  { isFree, parallel }: { readonly isFree: boolean; readonly parallel: boolean },
): Rules | null {
  const rules = new Map<string, Expression>();
  const call = rule("call");
  rules.set("call", choice(...tools.map((tool, index) => oneCall(tool, index, convention, rules))));
  rules.set("any", repeat(characters(complement([])), 0));
  const { open, close, isList, opensByToken, followsText } = convention;
  if (opensByToken && isFree) return null;
  const more = (part: Expression): Expression => (parallel ? repeat(part, 0) : text(""));
  if (isList) rules.set("calls", sequence(text("["), call, more(sequence(text(", "), call)), text("]")));
  else if (close === "") rules.set("calls", call);
  else rules.set("calls", sequence(call, text(close), more(sequence(text(`\n${open}`), call, text(close)))));
  if (!isFree) rules.set("root", opensByToken ? rule("calls") : sequence(text(open), rule("calls")));
  else if (followsText) textThenCalls(open, rules);
  else {
    const other = sequence(characters(complement([[123, 123]])), rule("any"));
    rules.set("root", choice(rule("calls"), optional(other)));
  }
  return rules;
}

/** The form of an answer to a request that offers functions; null where the model has to be trusted. Throws `bad_request`. */
export function callFormat(wishes: ToolWishes, convention: ToolConvention): Format | null {
  const { callable, mustCall, parallel } = wishes;
  const rules = callRules(callable, convention, { isFree: !mustCall, parallel });
  return rules && { kind: "rules", rules };
}

function oneCall(tool: ChatTool, index: number, convention: ToolConvention, rules: Map<string, Expression>): Expression {
  const { name } = tool.function;
  const start = `arguments ${index}`;
  for (const [inner, expression] of parametersOf(tool)) rules.set(`${start} ${inner}`, renamed(expression, start));
  const head = `{"name": ${JSON.stringify(name)}, "${convention.argumentsName}": `;
  return sequence(text(head), rule(`${start} root`), text("}"));
}

/** The grammar of a function's arguments; any object where its schema says more than can be enforced, unless it is strict. */
function parametersOf({ function: { parameters, strict } }: ChatTool): Rules {
  const anything = new Map([...jsonRules(), ["root", rule("object")] as const]);
  if (!parameters) return anything;
  try {
    return schemaRules(parameters);
  } catch (error) {
    if (strict || !(error instanceof EngineError)) throw error;
    return anything;
  }
}

function renamed(expression: Expression, prefix: string): Expression {
  switch (expression.kind) {
    case "bytes":
      return expression;
    case "rule":
      return rule(`${prefix} ${expression.name}`);
    case "repeat":
      return { ...expression, part: renamed(expression.part, prefix) };
    default:
      return { ...expression, parts: expression.parts.map((part) => renamed(part, prefix)) };
  }
}

/** Any text; where it has written what opens a call, a call has to follow. One rule for each character of the opening that is there. */
function textThenCalls(open: string, rules: Map<string, Expression>): void {
  const codes = Array.from(open, (character) => character.codePointAt(0)!);
  const one = (code: number): Expression => characters([[code, code]]);
  for (const [index, code] of codes.entries()) {
    const others = complement([
      [code, code],
      [codes[0]!, codes[0]!],
    ]);
    const next = sequence(one(code), rule(index + 1 < codes.length ? `text ${index + 1}` : "calls"));
    const again = sequence(one(codes[0]!), rule("text 1"));
    const back = sequence(characters(others), rule("text 0"));
    rules.set(`text ${index}`, choice(text(""), back, next, ...(code === codes[0] ? [] : [again])));
  }
  rules.set("root", rule("text 0"));
}
