// The Prompt API's types, as `languageModel` offers them.
// Source: webmachinelearning.github.io/prompt-api; names as in Chrome 148.

export type PromptRole = "system" | "user" | "assistant";

/** Part of a message. Text alone is understood; images and sounds are refused. */
export interface PromptContent {
  readonly type: "text";
  readonly value: string;
}

export interface PromptMessage {
  readonly role: PromptRole;
  readonly content: string | readonly PromptContent[];
}

/** A question, or messages of which the last is one. */
export type PromptInput = string | readonly PromptMessage[];

/** How adventurous answers are, from the likeliest word to the unlikely ones. */
export type SamplingMode = "most-predictable" | "predictable" | "balanced" | "creative" | "most-creative";

export interface SamplingOptions {
  readonly samplingMode?: SamplingMode;
  readonly temperature?: number;
  readonly topK?: number;
}

export interface PromptOptions {
  /** A JSON schema or a RegExp that the answer is held to. It is enforced, and not put into the prompt. */
  readonly responseConstraint?: object;
  readonly omitResponseConstraintInput?: boolean;
  readonly signal?: AbortSignal;
}

/** A conversation. Rejections are `DOMException`s, as the browser's own. */
export interface PromptSession extends EventTarget {
  /** The whole answer. */
  prompt(input: PromptInput, options?: PromptOptions): Promise<string>;
  /** The answer in pieces. Leaving the stream stops it. */
  promptStreaming(input: PromptInput, options?: PromptOptions): ReadableStream<string>;
  /** Adds to the conversation without asking for an answer. */
  append(input: PromptInput, options?: { readonly signal?: AbortSignal }): Promise<undefined>;
  /** Tokens that an input would take. What the template puts around it is estimated. */
  measureContextUsage(input: PromptInput, options?: PromptOptions): Promise<number>;
  /** Tokens of the context that the conversation takes. */
  readonly contextUsage: number;
  /** Tokens there is room for. */
  readonly contextWindow: number;
  /** Called with an event when the oldest turns are left out of the context, which the system prompt never is. */
  oncontextoverflow: ((event: Event) => unknown) | null;
  /** The former names of the four above. */
  measureInputUsage(input: PromptInput, options?: PromptOptions): Promise<number>;
  readonly inputUsage: number;
  readonly inputQuota: number;
  onquotaoverflow: ((event: Event) => unknown) | null;
  /** Null where the model's own is taken. */
  readonly temperature: number | null;
  readonly topK: number | null;
  /** The same conversation once more: both go on apart. */
  clone(options?: { readonly signal?: AbortSignal }): Promise<PromptSession>;
  /** Ends the session and what it is saying. The model is freed with its last session. */
  destroy(): undefined;
}

export type Availability = "unavailable" | "downloadable" | "downloading" | "available";

export interface CreateOptions extends SamplingOptions {
  /** What is said before the session begins; a system prompt stands first. */
  readonly initialPrompts?: readonly PromptMessage[];
  /** Called with what fires `downloadprogress` while the model is loaded; `loaded` goes from 0 to 1. */
  readonly monitor?: (monitor: EventTarget) => void;
  readonly signal?: AbortSignal;
  readonly expectedInputs?: readonly { readonly type: string; readonly languages?: readonly string[] }[];
  readonly expectedOutputs?: readonly { readonly type: string; readonly languages?: readonly string[] }[];
}

/** What stands in for `LanguageModel`. */
export interface LanguageModelFactory {
  /** Whether a session can be had, and whether something must be downloaded first. */
  availability(options?: CreateOptions): Promise<Availability>;
  /** A session; downloads and loads the model where that was not done. Rejects with what loading rejects with. */
  create(options?: CreateOptions): Promise<PromptSession>;
}
