// Pieces of text become answers and chunks in the shapes of the OpenAI API; nowhere else are those shapes built.
// Source: platform.openai.com/docs/api-reference, the chat completion and completion objects and their chunks.
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatLogprobs,
  ChatToolCall,
  Completion,
  CompletionLogprobs,
  FinishReason,
  StopType,
  TokenLogprob,
  Usage,
} from "./base/openai.ts";
import type { Piece } from "./decode/generate.ts";
import type { ToolCall } from "./tools/convention.ts";
import type { TokenScore } from "./decode/score.ts";

/** A piece, and the functions that are called in it. */
export type AnswerPiece = Piece & { readonly calls?: readonly ToolCall[] };

/** Pieces as they come, and how it ended. */
export type Pieces = AsyncGenerator<AnswerPiece, Ending, void>;

export interface Ending {
  readonly stopType: StopType;
  readonly promptTokens: number;
  /** Prompt tokens that were in the KV cache already. */
  readonly cachedTokens: number;
  readonly newTokens: number;
}

/** What every answer of a model says of it. */
export interface Author {
  readonly model: string;
  /** UTF-8 of a token; it need not be a whole character. */
  bytesOf(id: number): Uint8Array;
}

/** A streamed chat answer: the role, the text in pieces, then the reason it ended and what it used. */
export async function* chatChunks(author: Author, pieces: Pieces): AsyncGenerator<ChatCompletionChunk, void> {
  const head = { ...heading("chatcmpl", author), object: "chat.completion.chunk" } as const;
  yield { ...head, choices: [{ ...OPEN, delta: { role: "assistant", content: "" }, logprobs: null }] };
  let called = 0;
  const ending = yield* shape(pieces, ({ text, scores, calls = [] }): ChatCompletionChunk => {
    const tool_calls = calls.map((call) => ({ index: called++, ...chatCall(call) }));
    const delta = {
      ...(text !== "" || calls.length === 0 ? { content: text } : {}),
      ...(calls.length > 0 ? { tool_calls } : {}),
    };
    return { ...head, choices: [{ ...OPEN, delta, logprobs: chatLogprobs(author, scores) }] };
  });
  yield { ...head, choices: [{ ...closed(ending, called), delta: {}, logprobs: null }], usage: usage(ending) };
}

/** A whole chat answer. */
export async function wholeChat(author: Author, pieces: Pieces): Promise<ChatCompletion> {
  const { text, scores, calls, ending } = await collect(pieces);
  const choice = {
    ...closed(ending, calls.length),
    message: { role: "assistant", content: text, ...(calls.length > 0 ? { tool_calls: calls.map(chatCall) } : {}) },
    logprobs: chatLogprobs(author, scores),
  } as const;
  return { ...heading("chatcmpl", author), object: "chat.completion", choices: [choice], usage: usage(ending) };
}

/** A streamed completion, its last piece with the reason it ended and what it used. */
export async function* completionChunks(author: Author, pieces: Pieces): AsyncGenerator<Completion, void> {
  const head = { ...heading("cmpl", author), object: "text_completion" } as const;
  let length = 0;
  const ending = yield* shape(pieces, (piece): Completion => {
    const logprobs = completionLogprobs(author, piece.scores, length);
    length += (logprobs?.tokens ?? []).join("").length;
    return { ...head, choices: [{ ...OPEN, text: piece.text, logprobs }] };
  });
  yield { ...head, choices: [{ ...closed(ending), text: "", logprobs: null }], usage: usage(ending) };
}

/** A whole completion. */
export async function wholeCompletion(author: Author, pieces: Pieces): Promise<Completion> {
  const { text, scores, ending } = await collect(pieces);
  const choice = { ...closed(ending), text, logprobs: completionLogprobs(author, scores, 0) };
  return { ...heading("cmpl", author), object: "text_completion", choices: [choice], usage: usage(ending) };
}

const OPEN = { index: 0, finish_reason: null, stop_type: null } as const;

function closed(ending: Ending, calls = 0): { index: 0; finish_reason: FinishReason; stop_type: StopType } {
  const cut = ending.stopType === "limit" || ending.stopType === "context_full";
  return { index: 0, finish_reason: cut ? "length" : calls > 0 ? "tool_calls" : "stop", stop_type: ending.stopType };
}

/** Nine letters and digits, which is what Mistral's templates ask of an id. */
function chatCall({ name, arguments: given }: ToolCall): ChatToolCall {
  return { id: randomName(9), type: "function", function: { name, arguments: given } };
}

function heading(prefix: string, author: Author): { id: string; created: number; model: string } {
  return { id: `${prefix}-${randomName(24)}`, created: Math.floor(Date.now() / 1000), model: author.model };
}

function randomName(length: number): string {
  return Array.from({ length }, () => Math.floor(Math.random() * 36).toString(36)).join("");
}

/** Pieces with nothing to show, as half a character has, are left out. */
async function* shape<Chunk>(pieces: Pieces, toChunk: (piece: AnswerPiece) => Chunk): AsyncGenerator<Chunk, Ending> {
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) return next.value;
      const { text, scores, calls = [] } = next.value;
      if (text !== "" || scores.length > 0 || calls.length > 0) yield toChunk(next.value);
    }
  } finally {
    // A reader who leaves early ends the work too.
    await pieces.return(NOT_READ);
  }
}

/** How the work of a reader who leaves early ends. */
export const NOT_READ: Ending = { stopType: "stopped", promptTokens: 0, cachedTokens: 0, newTokens: 0 };

interface Collected {
  readonly text: string;
  readonly scores: readonly TokenScore[];
  readonly calls: readonly ToolCall[];
  readonly ending: Ending;
}

async function collect(pieces: Pieces): Promise<Collected> {
  const texts: string[] = [];
  const scores: TokenScore[] = [];
  const calls: ToolCall[] = [];
  for (;;) {
    const next = await pieces.next();
    if (next.done) return { text: texts.join(""), scores, calls, ending: next.value };
    texts.push(next.value.text);
    scores.push(...next.value.scores);
    calls.push(...(next.value.calls ?? []));
  }
}

function usage(ending: Ending): Usage {
  return {
    prompt_tokens: ending.promptTokens,
    completion_tokens: ending.newTokens,
    total_tokens: ending.promptTokens + ending.newTokens,
    prompt_tokens_details: { cached_tokens: ending.cachedTokens },
  };
}

function chatLogprobs(author: Author, scores: readonly TokenScore[]): ChatLogprobs | null {
  if (scores.length === 0) return null;
  const token = (id: number, logprob: number): TokenLogprob => {
    const bytes = author.bytesOf(id);
    return { token: textOf(bytes), logprob, bytes: [...bytes] };
  };
  const content = scores.map(({ id, logprob, best }) => {
    return { ...token(id, logprob ?? 0), top_logprobs: best.map((other) => token(other.id, other.logprob)) };
  });
  return { content };
}

/** `offset`: characters of the answer before these tokens. */
function completionLogprobs(author: Author, scores: readonly TokenScore[], offset: number): CompletionLogprobs | null {
  if (scores.length === 0) return null;
  const name = (id: number): string => textOf(author.bytesOf(id));
  const tokens = scores.map(({ id }) => name(id));
  let at = offset;
  return {
    tokens,
    token_logprobs: scores.map(({ logprob }) => logprob),
    top_logprobs: scores.map(({ logprob, best }) => {
      return logprob === null ? null : Object.fromEntries(best.map((other) => [name(other.id), other.logprob]));
    }),
    text_offset: tokens.map((token) => (at += token.length) - token.length),
  };
}

/** A piece of a character shows as the replacement character; its bytes tell the rest. */
function textOf(bytes: Uint8Array): string {
  // A byte order mark is a token like any other.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
