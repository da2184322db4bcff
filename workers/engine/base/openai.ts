// Requests and answers in the shapes and with the field names of the OpenAI API, so that code written for it moves over.
// Source: platform.openai.com/docs/api-reference, chat and completions, as far as a local model has an answer.
import type { AdapterUse } from "./adapters.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  /** Functions the assistant called. */
  readonly tool_calls?: readonly ChatToolCall[];
  /** The call that a tool's message answers. */
  readonly tool_call_id?: string;
}

/** As the API sends an assistant's message that has calls and no text. */
export interface ChatCallsMessage {
  readonly role: "assistant";
  readonly content?: null;
  readonly tool_calls: readonly ChatToolCall[];
}

export interface ChatToolCall {
  readonly id: string;
  readonly type: "function";
  /** The arguments are JSON, as text. */
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A function the model may call. */
export interface ChatTool {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description?: string;
    /** JSON schema of the arguments. Enforced where it can be; `strict` refuses one that can't. */
    readonly parameters?: Readonly<Record<string, unknown>>;
    readonly strict?: boolean | null;
  };
}

/** Whether the model calls: never, as it likes, always, or always this function. */
export type ToolChoice =
  "none" | "auto" | "required" | { readonly type: "function"; readonly function: { readonly name: string } };

/** The form of an answer. The last two are extensions: a pattern for the whole answer, a grammar in GBNF whose start is `root`. */
export type ResponseFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object" }
  | { readonly type: "json_schema"; readonly json_schema: JsonSchemaFormat }
  | { readonly type: "regex"; readonly pattern: string }
  | { readonly type: "grammar"; readonly grammar: string };

export interface JsonSchemaFormat {
  readonly name?: string;
  readonly description?: string;
  readonly schema?: boolean | Readonly<Record<string, unknown>>;
  readonly strict?: boolean | null;
}

/** What both kinds of request share. Omitted fields take the model's own defaults. */
export interface SamplingParameters {
  readonly max_tokens?: number | null;
  readonly temperature?: number | null;
  readonly top_p?: number | null;
  /** Extensions every local engine has. */
  readonly top_k?: number | null;
  readonly min_p?: number | null;
  /** Looks at the last 64 tokens of the answer. The prompt's words are left alone: a question's belong in its answer. */
  readonly repeat_penalty?: number | null;
  readonly seed?: number | null;
  readonly stop?: string | readonly string[] | null;
  /** Enforced on every token; the answer is complete within `max_tokens`. */
  readonly response_format?: ResponseFormat | null;
  /** Extension: adapters that are loaded beside the model, and how strongly each is applied; none where it is left out. */
  readonly adapters?: readonly AdapterUse[] | null;
  /** Goes on after the model has said it was done, to `max_tokens`: for measuring. As llama.cpp's server and vLLM have it. */
  readonly ignore_eos?: boolean | null;
  /** False reads one token at a time even where the text repeats itself and its next tokens can be guessed: for measuring. */
  readonly speculate?: boolean | null;
}

export interface ChatRequest extends SamplingParameters {
  readonly messages: readonly (ChatMessage | ChatCallsMessage)[];
  readonly tools?: readonly ChatTool[] | null;
  readonly tool_choice?: ToolChoice | null;
  /** Several calls in one answer; true where it is left out. */
  readonly parallel_tool_calls?: boolean | null;
  readonly model?: string;
  readonly stream?: boolean | null;
  readonly logprobs?: boolean | null;
  readonly top_logprobs?: number | null;
  /** Extension: how messages become a prompt, as an id of the model's `promptFormats`, or "template" for the file's own; null for what fits. */
  readonly prompt_format?: string | null;
}

export interface CompletionRequest extends SamplingParameters {
  /** Text, or token ids. */
  readonly prompt: string | readonly number[];
  readonly model?: string;
  readonly stream?: boolean | null;
  /** Alternatives to report for each token, 0 to 20. */
  readonly logprobs?: number | null;
  /** The prompt comes back before the answer, with its logprobs if asked for. */
  readonly echo?: boolean | null;
}

export type FinishReason = "stop" | "length" | "tool_calls";

/**
 * Our extension: what exactly ended an answer. eos: the model said it was done. word: a stop string. limit: max_tokens.
 * context_full: no room was left in the context. stopped: the caller stopped it.
 */
export type StopType = "eos" | "word" | "limit" | "context_full" | "stopped";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  /** Tokens of the prompt that were still in the KV cache. */
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  /** UTF-8 of the token; a token need not be a whole character. */
  readonly bytes: readonly number[];
}

export interface ChatLogprobs {
  readonly content: readonly (TokenLogprob & { readonly top_logprobs: readonly TokenLogprob[] })[];
}

export interface ChatAnswer {
  readonly role: "assistant";
  readonly content: string;
  readonly tool_calls?: readonly ChatToolCall[];
}

export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly message: ChatAnswer;
      readonly finish_reason: FinishReason;
      readonly stop_type: StopType;
      readonly logprobs: ChatLogprobs | null;
    },
  ];
  readonly usage: Usage;
}

export interface ChatCompletionChunk {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly delta: {
        readonly role?: "assistant";
        readonly content?: string;
        /** Each call comes whole. */
        readonly tool_calls?: readonly (ChatToolCall & { readonly index: number })[];
      };
      readonly finish_reason: FinishReason | null;
      readonly stop_type: StopType | null;
      readonly logprobs: ChatLogprobs | null;
    },
  ];
  /** On the last chunk only. */
  readonly usage?: Usage;
}

export interface CompletionLogprobs {
  readonly tokens: readonly string[];
  /** The first token of an echoed prompt has none. */
  readonly token_logprobs: readonly (number | null)[];
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  readonly text_offset: readonly number[];
}

/** Both the whole answer and a streamed piece of one, as in the API. */
export interface Completion {
  readonly id: string;
  readonly object: "text_completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly text: string;
      readonly finish_reason: FinishReason | null;
      readonly stop_type: StopType | null;
      readonly logprobs: CompletionLogprobs | null;
    },
  ];
  readonly usage?: Usage;
}

/** Texts to be turned into vectors. */
export interface EmbeddingRequest {
  /** One text, its token ids, or a list of either. */
  readonly input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  readonly model?: string;
  /** base64: 32-bit floats, little-endian, which take a third of the room. Default "float". */
  readonly encoding_format?: "float" | "base64" | null;
}

export interface Embedding {
  readonly object: "embedding";
  readonly index: number;
  /** A vector of length 1, as wide as the model; text where base64 was asked for. */
  readonly embedding: readonly number[] | string;
}

export interface Embeddings {
  readonly object: "list";
  readonly data: readonly Embedding[];
  readonly model: string;
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}
