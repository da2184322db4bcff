// What the Prompt API takes, checked and put into the messages and parameters of a chat.
// Source: webmachinelearning.github.io/prompt-api, LanguageModelPrompt and LanguageModelCreateOptions.
import type { ChatMessage, ResponseFormat, SamplingParameters } from "../../workers/engine/base/openai.ts";
import type { PromptInput, PromptMessage, SamplingMode, SamplingOptions } from "./prompt-types.ts";

/** "balanced" is as the model answers best. */
const MODES: Readonly<Record<SamplingMode, SamplingParameters>> = {
  "most-predictable": { temperature: 0 },
  predictable: { temperature: 0.4 },
  balanced: {},
  creative: { temperature: 1 },
  "most-creative": { temperature: 1.4 },
};

/** Messages of an input. Throws a `NotSupportedError` for what is no text, a `TypeError` for what makes no sense. */
export function messagesOf(input: PromptInput, withSystem: boolean): ChatMessage[] {
  const messages = typeof input === "string" ? [{ role: "user" as const, content: input }] : input;
  return messages.map((message, index) => {
    if (!["system", "user", "assistant"].includes(message.role)) throw new TypeError(`There is no role "${message.role}".`);
    if (message.role === "system" && !(withSystem && index === 0))
      throw withSystem
        ? new TypeError("A system prompt stands first.")
        : unsupported("A system prompt belongs into initialPrompts.");
    if ("prefix" in message && message.prefix) throw unsupported("Beginnings of answers can't be given.");
    return { role: message.role, content: textOf(message.content) };
  });
}

/** Sampling of a session. Throws a `TypeError` where both ways of saying it are mixed. */
export function samplingOf({ samplingMode, temperature, topK }: SamplingOptions): SamplingParameters {
  if (samplingMode === undefined)
    return { ...(temperature === undefined ? {} : { temperature }), ...(topK === undefined ? {} : { top_k: topK }) };
  if (temperature !== undefined || topK !== undefined)
    throw new TypeError("samplingMode takes the place of temperature and topK.");
  if (!Object.hasOwn(MODES, samplingMode)) throw new TypeError(`There is no samplingMode "${samplingMode}".`);
  return MODES[samplingMode];
}

/** The form that a constraint holds an answer to: a JSON schema, or a pattern for the whole answer. */
export function formatOf(constraint: object | undefined): ResponseFormat | null {
  if (constraint === undefined) return null;
  if (!(constraint instanceof RegExp)) return { type: "json_schema", json_schema: { schema: { ...constraint } } };
  if (/[^uvdgy]/.test(constraint.flags)) throw unsupported(`The flags "${constraint.flags}" of a pattern can't be followed.`);
  return { type: "regex", pattern: constraint.source };
}

/** The refusal of what this model or adapter can't do. */
export function unsupported(message: string): DOMException {
  return new DOMException(message, "NotSupportedError");
}

function textOf(content: PromptMessage["content"]): string {
  if (typeof content === "string") return content;
  const foreign = content.find(({ type, value }) => type !== "text" || typeof value !== "string");
  if (foreign) throw unsupported(`Content of the type "${foreign.type}" is not understood; this model reads text.`);
  return content.map(({ value }) => value).join("");
}
