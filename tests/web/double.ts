// An engine that only plays one: a scripted model in memory, so that the page can be brought into every state at will.
import type { Cria, LoadOptions } from "../../workers/engine/base/cria.ts";
import { EngineError, type ErrorCode } from "../../workers/engine/base/errors.ts";
import type { ChatCompletionChunk, ChatMessage, ChatRequest, StopType, Usage } from "../../workers/engine/base/openai.ts";
import type { ScoreRequest, ScoreResponse } from "../../workers/engine/base/score.ts";
import type { CatalogueEntry, ModelInfo, ModelPreview, ModelSource, StoredModel } from "../../workers/engine/base/wire.ts";
import type { Engine } from "../../web/state/engine.ts";

export interface Script {
  /** True where the model is stored already. */
  stored: boolean;
  crashes: number;
  /** How long a download takes; 0 is done at once. */
  downloadMs: number;
  /** Milliseconds between two tokens; 0 is at once. */
  tokenMs: number;
  /** Milliseconds to score one request; 0 is at once. */
  scoreMs: number;
  contextLength: number;
  /** What the model says, by the last question. */
  answer: (messages: readonly ChatMessage[]) => string;
  /** How answers end. */
  stop: StopType;
  /** What fails, and where: once for each entry. */
  failures: { at: "catalogue" | "preview" | "load" | "answer"; code: ErrorCode }[];
  /** Tokens an answer gives before it fails. */
  tokensBeforeFailure: number;
}

export const ENTRY: CatalogueEntry = {
  id: "smollm2-135m-instruct",
  name: "SmolLM2 135M Instruct",
  urls: ["models/SmolLM2-135M-Instruct.Q4_1.gguf"],
  sizeBytes: 98_362_432,
  sha256: null,
  quantization: "Q4_1",
  parameters: 134_515_008,
  licence: "Apache-2.0",
  homepage: "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
  defaults: { system: "", sampling: { temperature: 0.2, topP: 0.9 } },
  variants: [],
  use: "chat",
  contextLength: 8192,
  prompt: "ChatML",
  confirmed: true,
  advice: null,
};

const MESSAGES: Partial<Record<ErrorCode, [message: string, hint: string]>> = {
  not_gguf: ["holiday.jpg starts with FF D8 FF E0; a GGUF file starts with GGUF.", "Choose a file that ends in .gguf."],
  truncated_file: ["model.gguf ends after 40,000,000 bytes, and its tensors need 98,362,432.", "Download it again."],
  disk_full: [
    "The browser refused to store 16.8 MB more; it allows 120 MB in all.",
    "Remove a stored model, or free space on the disk.",
  ],
  network: ["The connection to localhost broke 5 times in a row.", "Check the network; what was downloaded is kept."],
};

/** The error a double throws for a code. */
export function failure(code: ErrorCode): EngineError {
  const [message, hint] = MESSAGES[code] ?? [`The double was told to fail with ${code}.`, "Try something else."];
  return new EngineError(code, message, hint);
}

/** An engine that follows `script`, which may be changed while it runs. `requests` keeps what it was asked. */
export class EngineDouble implements Engine {
  readonly script: Script;
  readonly requests: ChatRequest[] = [];
  storedBytes = 0;

  constructor(script: Partial<Script> = {}) {
    const usual: Script = {
      stored: false,
      crashes: 0,
      downloadMs: 0,
      tokenMs: 0,
      scoreMs: 0,
      contextLength: 2048,
      answer: () => "The capital of France is Paris.",
      stop: "eos",
      failures: [],
      tokensBeforeFailure: 0,
    };
    this.script = { ...usual, ...script };
    if (this.script.stored) this.storedBytes = ENTRY.sizeBytes;
  }

  catalogue = async (): Promise<readonly CatalogueEntry[]> => {
    this.#failAt("catalogue");
    return [ENTRY];
  };

  preview = async (model: ModelSource): Promise<ModelPreview> => {
    this.#failAt("preview");
    const file = typeof model === "string" ? null : "length" in model ? model[0]! : model;
    const address = typeof model === "string" ? model : "";
    return {
      id: file?.name ?? address,
      name: file?.name ?? (address === ENTRY.id ? ENTRY.name : address.split("/").at(-1)!),
      sizeBytes: file?.size ?? ENTRY.sizeBytes,
      storedBytes: file ? 0 : this.storedBytes,
      freeBytes: 11_800_000_000,
      crashes: this.script.crashes,
      defaults: model === ENTRY.id ? ENTRY.defaults : null,
    };
  };

  load = async ({ onProgress, signal }: LoadOptions): Promise<Cria> => {
    const { sizeBytes } = ENTRY;
    const steps = this.script.downloadMs > 0 ? Math.ceil(this.script.downloadMs / 50) : 1;
    const bytesPerSecond = (sizeBytes * 1000) / Math.max(1, this.script.downloadMs);
    for (let step = 0; step <= steps && this.storedBytes < sizeBytes; step++) {
      if (signal?.aborted) throw new EngineError("aborted", "Stopped.");
      this.storedBytes = Math.round((step / steps) * sizeBytes);
      onProgress?.({ phase: "download", doneBytes: this.storedBytes, totalBytes: sizeBytes, bytesPerSecond });
      if (this.script.downloadMs > 0) await pause(50);
    }
    this.#failAt("load");
    this.script.crashes = 0;
    return this.#model();
  };

  storedModels = async (): Promise<readonly StoredModel[]> => {
    const { id, name, sizeBytes, quantization } = ENTRY;
    const complete = this.storedBytes === sizeBytes;
    const stored = { id, name, sizeBytes, storedBytes: this.storedBytes, complete, busy: false, origin: "address" as const };
    return this.storedBytes > 0
      ? [{ ...stored, url: ENTRY.urls[0] ?? null, sha256: null, verified: false, addedMs: null, parts: 1, quantization }]
      : [];
  };

  removeModel = async (): Promise<void> => {
    this.storedBytes = 0;
  };

  deleteEverything = async (): Promise<void> => {
    this.storedBytes = 0;
  };

  #failAt(at: Script["failures"][number]["at"]): void {
    const index = this.script.failures.findIndex((failure) => failure.at === at);
    if (index >= 0) throw failure(this.script.failures.splice(index, 1)[0]!.code);
  }

  #model(): Cria {
    const info: ModelInfo = {
      id: ENTRY.id,
      name: ENTRY.name,
      quantization: ENTRY.quantization,
      parameters: ENTRY.parameters,
      sizeBytes: ENTRY.sizeBytes,
      shape: {
        layers: 30,
        dim: 576,
        ffnDim: 1536,
        heads: 9,
        kvHeads: 3,
        headDim: 64,
        vocab: 49152,
        contextLength: 2048,
        epsilon: 1e-5,
      },
      contextLength: this.script.contextLength,
      template: "the file's own template",
      startToken: null,
      backend: "webgpu",
      tier: "T2",
      reason: "Subgroups passed the self-test; packed dot products are not offered.",
      threads: 0,
      weightBytesPerToken: 98_000_000,
      memoryBytes: 143_000_000,
    };
    const words = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];
    const create = (request: ChatRequest, options?: { signal?: AbortSignal }): Promise<never> => {
      this.requests.push(request);
      return Promise.resolve(this.#stream(request, options?.signal) as never);
    };
    return {
      info,
      tokenize: async (text) => words(text).map((_, index) => index),
      detokenize: async () => "",
      completions: { create: (): Promise<never> => Promise.reject(new EngineError("bad_request", "The double only chats.")) },
      chat: { completions: { create } },
      score: async (request) => (await pause(this.script.scoreMs), this.#scores(request)),
      stats: async () => ({
        load: { bytes: ENTRY.sizeBytes, milliseconds: 900 },
        prefill: { tokens: 12, cachedTokens: 0, milliseconds: 80 },
        decode: { tokens: 60, milliseconds: 1500 },
        gpuBytes: 143_000_000,
        wasmBytes: 0,
      }),
      unload: async () => undefined,
    };
  }

  /** Likelihoods that hang on the text alone: enough for an evaluation to have something to show. */
  #scores({ context, continuations }: ScoreRequest): ScoreResponse {
    const text = String(context);
    const scores = continuations.map((continuation, index) => {
      const ids = [...continuation].map((_, place) => place);
      return { ids, logprobs: ids.map((place) => -1 - ((text.length + index * 7 + place) % 5) / 4), greedy: false };
    });
    return { contextTokens: 12, droppedTokens: 0, scores };
  }

  async *#stream(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<ChatCompletionChunk> {
    const prompt = request.messages.reduce((sum, { content }) => sum + content.split(/\s+/).length + 8, 0);
    const pieces = this.script.answer(request.messages).match(/\s*\S{1,6}|\s+$/g) ?? [];
    const usage = (tokens: number): Usage => ({
      prompt_tokens: prompt,
      completion_tokens: tokens,
      total_tokens: prompt + tokens,
      prompt_tokens_details: { cached_tokens: 0 },
    });
    const chunk = (content: string, stop: StopType | null, tokens: number): ChatCompletionChunk => ({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 0,
      model: ENTRY.id,
      choices: [
        {
          index: 0,
          delta: { content },
          finish_reason: stop === null ? null : stop === "limit" || stop === "context_full" ? "length" : "stop",
          stop_type: stop,
          logprobs: null,
        },
      ],
      ...(stop === null ? {} : { usage: usage(tokens) }),
    });
    await pause(this.script.tokenMs * 4);
    const failing = this.script.failures.some(({ at }) => at === "answer");
    for (const [index, piece] of pieces.entries()) {
      if (signal?.aborted) return yield chunk("", "stopped", index);
      if (failing && index >= this.script.tokensBeforeFailure) this.#failAt("answer");
      yield chunk(piece, null, index);
      await pause(this.script.tokenMs);
    }
    yield chunk("", this.script.stop, pieces.length);
  }
}

function pause(milliseconds: number): Promise<void> {
  return milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : Promise.resolve();
}
