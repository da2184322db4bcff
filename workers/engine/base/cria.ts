// The surface of the library: what `load` gives to the chat page, to other pages and to tests alike.
import type { AdapterInfo, AdapterPreview, AdapterRequest } from "./adapters.ts";
import type { CacheType } from "./backend.ts";
import type { ErrorRecord } from "./errors.ts";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatRequest,
  Completion,
  CompletionRequest,
  EmbeddingRequest,
  Embeddings,
} from "./openai.ts";
import type { ScoreRequest, ScoreResponse } from "./score.ts";
import type { BackendChoice, Fate, LoadProgress, Manner, ModelInfo, ModelSource, Stats } from "./wire.ts";

export interface LoadOptions {
  /**
   * Catalogue id, URL of a GGUF file (the first of a split one), "owner/repository:Q4_K_M" of a hub, id of a stored model, or a file (all
   * files of a split one).
   */
  readonly model: ModelSource;
  /** Default "auto". */
  readonly backend?: BackendChoice;
  /** Positions to make room for; default: what the model was trained for, as far as memory allows. */
  readonly contextLength?: number;
  /** Keys and values on WebGPU: "int8" makes room for nearly twice the context, at a small loss; default "f16". WASM has its own form. */
  readonly cache?: CacheType;
  /**
   * Bytes of memory for weights and cache on WASM; default: three quarters of the device's, where the browser tells. Layers that it has no room
   * for are read from storage for each token, or piece of a prompt: slow, but it answers.
   */
  readonly memoryBytes?: number;
  /** Loads also a model that took the tab down twice in a row: for a person who asks for it, not for a page that loads by itself. */
  readonly afterCrashes?: boolean;
  /** Loads only where no model is in memory, and throws `busy` else: for what nobody asked for. */
  readonly onlyIfFree?: boolean;
  /** Access token for the model's host, where it wants one: sent to that host alone, and not kept. */
  readonly token?: string;
  /** Base URL of the hub that "owner/repository" means; default https://huggingface.co. */
  readonly hub?: string;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Hears where the model is, and what becomes of it. */
  readonly onChange?: (change: ModelChange) => void;
  readonly signal?: AbortSignal;
}

/**
 * What becomes of a model. One engine serves all tabs of a site: it may run in another one, and that may be closed.
 * ready: it answers; `elsewhere`: in another tab. lost: that tab is gone; it is loaded again, here or elsewhere, and ready or failed follows.
 * ended: it was replaced by another model, or unloaded.
 */
export type ModelChange =
  | { readonly kind: "ready"; readonly info: ModelInfo; readonly elsewhere: boolean }
  | { readonly kind: "lost" }
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  | ({ readonly kind: "ended" } & Fate);

export interface RequestOptions extends Manner {
  readonly signal?: AbortSignal;
}

/** `create` of one kind of request: whole, or streamed when `stream` is true. */
export interface Create<Request, Whole, Piece> {
  create(request: Request & { stream: true }, options?: RequestOptions): Promise<AsyncIterable<Piece>>;
  create(request: Request & { stream?: false | null }, options?: RequestOptions): Promise<Whole>;
}

export interface AdapterOptions extends Omit<AdapterRequest, "files"> {
  readonly signal?: AbortSignal;
}

/** Files of one adapter, as it was published: PEFT's two, a GGUF LoRA, a LLaMA-Adapter; picked, at URLs, or "owner/repository" of a hub. */
export type AdapterFiles = string | File | readonly (string | File)[];

/** What is loaded beside a model. */
export interface Adapters {
  /** Loads an adapter; one of the same name makes way for it. */
  load(files: AdapterFiles, options?: AdapterOptions): Promise<AdapterInfo>;
  /** Looks what an adapter is, and whether it fits the model, without loading it. */
  preview(files: AdapterFiles, options?: AdapterOptions): Promise<AdapterPreview>;
  list(): Promise<readonly AdapterInfo[]>;
  /** Takes one out of memory. An unknown name is no error. */
  remove(id: string): Promise<void>;
}

/** A loaded model. Everything rejects with an `EngineError`; after `unload`, with `disposed`. */
export interface Cria {
  readonly info: ModelInfo;
  /** Token ids of a text. `bos` (default false) puts the start token first; `special` (default false) reads "<s>" as a token. */
  tokenize(text: string, options?: { bos?: boolean; special?: boolean }): Promise<number[]>;
  /** The text of token ids; special tokens have none. */
  detokenize(ids: readonly number[]): Promise<string>;
  readonly completions: Create<CompletionRequest, Completion, Completion>;
  readonly chat: { readonly completions: Create<ChatRequest, ChatCompletion, ChatCompletionChunk> };
  /** LoRA and LLaMA-Adapter beside the weights: loaded here, applied by the `adapters` of a request. */
  readonly adapters: Adapters;
  /** Vectors of length 1 that lie close to one another where texts are alike. */
  readonly embeddings: { create(request: EmbeddingRequest, options?: RequestOptions): Promise<Embeddings> };
  /** How likely each of several continuations of a context is: nothing is said, only judged. The context is read once for all. */
  score(request: ScoreRequest, options?: RequestOptions): Promise<ScoreResponse>;
  stats(): Promise<Stats>;
  unload(): Promise<void>;
}
