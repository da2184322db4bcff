// Checks the parameters of a request once, on entry, and fills in what was left out.
import { adapterUses } from "./adapter-uses.ts";
import type { AdapterUse } from "./base/adapters.ts";
import type { Sampling } from "./base/backend.ts";
import { badRequest, recordOf } from "./base/request.ts";
import type { ChatMessage, ChatRequest, CompletionRequest } from "./base/openai.ts";
import type { ScoreRequest } from "./base/score.ts";
import type { ModelDefaults } from "./base/wire.ts";
import type { Format } from "./grammar/grammar.ts";
import { formatOf } from "./response-format.ts";
import { toolCallsOf, toolWishes, type ToolWishes } from "./tools/request.ts";

/** What a request asks for, in our own terms. */
export interface Wishes {
  readonly sampling: Sampling;
  /** At most so many new tokens; null for as many as there is room for. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  /** The form of the answer; null where it may be anything. */
  readonly format: Format | null;
  /** Functions the model may call; null for none. */
  readonly calling: ToolWishes | null;
  /** Go on after an end token. */
  readonly ignoreEos: boolean;
  /** Guess tokens from the text where that pays. */
  readonly speculate: boolean;
  /** Adapters to apply; empty for none. */
  readonly adapters: readonly AdapterUse[];
  /** Alternatives to report for each token; null where no logprobs are wanted. */
  readonly alternatives: number | null;
}

/** Where neither the request nor the catalogue says otherwise: what llama.cpp takes. */
const SAMPLING: Omit<Sampling, "seed"> = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  repeatPenalty: 1,
  repeatWindow: 64,
};

const SHARED = [
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "repeat_penalty",
  "seed",
  "stop",
  "response_format",
  "ignore_eos",
  "speculate",
  "logprobs",
  "adapters",
];
const CHAT = [
  ...SHARED,
  "messages",
  "max_completion_tokens",
  "top_logprobs",
  "prompt_format",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
];
const COMPLETION = [...SHARED, "prompt", "echo"];
/** Parameters of the API that say something about the caller, not about the answer. */
const WITHOUT_EFFECT = ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"];
/** Parameters of the API whose neutral values ask for nothing, which code written for it often sends. */
const NEUTRAL: Record<string, readonly unknown[]> = {
  n: [1],
  best_of: [1],
  frequency_penalty: [0],
  presence_penalty: [0],
  suffix: [""],
};

/** Checks a chat request. Throws `bad_request`, naming the parameter. */
export function chatWishes(request: ChatRequest, defaults: ModelDefaults | null): Wishes {
  const record = known(request, CHAT);
  const wanted = boolean(record, "logprobs") ?? false;
  const alternatives = integer(record, "top_logprobs", 0, 20);
  if (alternatives && !wanted) throw badRequest("top_logprobs needs logprobs: true.");
  const maxTokens = integer(record, "max_tokens", 1) ?? integer(record, "max_completion_tokens", 1);
  const calling = toolWishes(request);
  const wishes = { ...shared(record, defaults, calling), maxTokens, alternatives: wanted ? (alternatives ?? 0) : null };
  if (calling && wishes.format) throw badRequest("response_format can't be combined with tools.");
  return wishes;
}

/** Checks a completion request, its prompt apart. Throws `bad_request`, naming the parameter. */
export function completionWishes(
  request: CompletionRequest,
  defaults: ModelDefaults | null,
): Wishes & { readonly echo: boolean } {
  const record = known(request, COMPLETION);
  return {
    ...shared(record, defaults, null),
    // 0 new tokens with an echo is how the API scores a text.
    maxTokens: integer(record, "max_tokens", 0),
    alternatives: integer(record, "logprobs", 0, 20),
    echo: boolean(record, "echo") ?? false,
  };
}

/**
 * The messages of a chat, with the model's own system prompt first where the caller brings none.
 * A system message that is explicitly empty stays: it keeps every other one away. Throws `bad_request`.
 */
export function chatMessages(request: ChatRequest, defaults: ModelDefaults | null): ChatMessage[] {
  const messages: unknown = request.messages;
  if (!Array.isArray(messages) || messages.length === 0) throw badRequest("messages must be a list of at least one message.");
  const checked = messages.map((message: unknown, index) => chatMessage(message, index));
  if (checked[0]!.role === "system" || defaults === null) return checked;
  return [{ role: "system", content: defaults.system }, ...checked];
}

/** The prompt format a chat asks for; null for the model's own. Throws `bad_request`. */
export function promptFormat(request: ChatRequest): string | null {
  const format: unknown = request.prompt_format ?? null;
  if (format === null || typeof format === "string") return format;
  throw badRequest(`prompt_format is ${shown(format)}; it must be the id of a format.`);
}

/** The prompt of a completion: text, or token ids below `vocab`. Throws `bad_request`. */
export function completionPrompt(request: CompletionRequest, vocab: number): string | number[] {
  const prompt: unknown = request.prompt;
  if (typeof prompt === "string") return prompt;
  if (!Array.isArray(prompt)) throw badRequest("prompt must be text or a list of token ids.");
  return tokenIds(prompt, vocab);
}

/** Checks a request to score continuations. Throws `bad_request`. */
export function scoreWishes(request: ScoreRequest, vocab: number): ScoreRequest {
  const { context, continuations, against } = request;
  const text = (given: unknown, what: string): string | number[] => {
    if (typeof given === "string") return given;
    if (Array.isArray(given)) return tokenIds(given, vocab);
    throw badRequest(`${what} must be text or a list of token ids.`);
  };
  if (!Array.isArray(continuations) || continuations.length === 0)
    throw badRequest("continuations must be a list of at least one text.");
  if (against && against.length !== continuations.length)
    throw badRequest(`against has ${against.length} entries for ${continuations.length} continuations.`);
  const checked = continuations.map((given: unknown, index) => text(given, `continuations[${index}]`));
  return { ...request, context: text(context, "context"), continuations: checked, adapters: adapterUses(request.adapters) };
}

/** Token ids from outside. Throws `bad_request` for what is no id of this vocabulary. */
export function tokenIds(ids: readonly unknown[], vocab: number): number[] {
  return ids.map((id, index) => {
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocab) return id;
    throw badRequest(`Token ${index} is ${shown(id)}; ids are whole numbers from 0 to ${vocab - 1}.`);
  });
}

function chatMessage(message: unknown, index: number): ChatMessage {
  const where = `messages[${index}]`;
  const { role, content, tool_calls, tool_call_id } = recordOf(message, where);
  if (role !== "system" && role !== "user" && role !== "assistant" && role !== "tool") {
    throw badRequest(`${where}.role is ${shown(role)}; it can be "system", "user", "assistant" or "tool".`);
  }
  const calls = role === "assistant" ? toolCallsOf(tool_calls, `${where}.tool_calls`) : null;
  const said = calls && (content === null || content === undefined) ? "" : content;
  if (typeof said !== "string") throw badRequest(`${where}.content must be text.`);
  if (role === "tool" && typeof tool_call_id !== "string")
    throw badRequest(`${where}.tool_call_id must say which call this answers.`);
  return {
    role,
    content: said,
    ...(calls ? { tool_calls: calls } : {}),
    ...(typeof tool_call_id === "string" ? { tool_call_id } : {}),
  };
}

function shared(
  record: Record<string, unknown>,
  defaults: ModelDefaults | null,
  calling: ToolWishes | null,
): Omit<Wishes, "maxTokens" | "alternatives"> {
  boolean(record, "stream");
  const format = formatOf(record["response_format"]);
  // The marks of JSON repeat themselves by right.
  const fallback = { ...SAMPLING, ...defaults?.sampling, ...(format || calling ? { repeatPenalty: 1 } : {}) };
  return {
    sampling: {
      temperature: bounded(record, "temperature", 0, 10) ?? fallback.temperature,
      topK: integer(record, "top_k", 0) ?? fallback.topK,
      topP: bounded(record, "top_p", 0, 1) ?? fallback.topP,
      minP: bounded(record, "min_p", 0, 1) ?? fallback.minP,
      repeatPenalty: bounded(record, "repeat_penalty", 0.01, 10) ?? fallback.repeatPenalty,
      repeatWindow: fallback.repeatWindow,
      seed: seed(record),
    },
    stop: stopStrings(record["stop"]),
    format,
    calling,
    ignoreEos: boolean(record, "ignore_eos") ?? false,
    speculate: boolean(record, "speculate") ?? true,
    adapters: adapterUses(record["adapters"]),
  };
}

function bounded(record: Record<string, unknown>, name: string, least: number, most: number): number | null {
  const value = record[name] ?? null;
  if (value === null || (typeof value === "number" && value >= least && value <= most)) return value;
  throw badRequest(`${name} is ${shown(value)}; it can be ${least} to ${most}.`);
}

function integer(record: Record<string, unknown>, name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | null {
  const value = record[name] ?? null;
  if (value === null || (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most)) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw badRequest(`${name} is ${shown(value)}; it can be a whole number ${range}.`);
}

function boolean(record: Record<string, unknown>, name: string): boolean | null {
  const value = record[name] ?? null;
  if (value === null || typeof value === "boolean") return value;
  throw badRequest(`${name} is ${shown(value)}; it can be true or false.`);
}

/** 32 bits of the caller's, or of chance. */
function seed(record: Record<string, unknown>): number {
  const given = integer(record, "seed", Number.MIN_SAFE_INTEGER);
  return (given ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
}

function stopStrings(value: unknown): string[] {
  const list: unknown[] = value === null || value === undefined ? [] : Array.isArray(value) ? value : [value];
  return list.map((stop) => {
    if (typeof stop === "string" && stop !== "") return stop;
    throw badRequest(`stop contains ${shown(stop)}; it can be a text or a list of texts, none empty.`);
  });
}

/** The request as a record without parameters we would silently not obey. */
function known(request: unknown, names: readonly string[]): Record<string, unknown> {
  const record = recordOf(request, "The request");
  for (const [name, value] of Object.entries(record)) {
    if (value === null || value === undefined || names.includes(name) || WITHOUT_EFFECT.includes(name)) continue;
    if (NEUTRAL[name]?.includes(value)) continue;
    throw badRequest(`The parameter ${name} is ${shown(value)}, which Cria does not offer.`);
  }
  return record;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
