// What crosses between a page and the engine's worker. Plain data only: comlink carries nothing else faithfully.
import type { AdapterInfo, AdapterPreview, AdapterRequest } from "./adapters.ts";
import type { Advice, AdviceSubject } from "./advice.ts";
import type { ModelDetails } from "./details.ts";
import type { BackendInfo, CacheType, Sampling } from "./backend.ts";
import type { ErrorRecord } from "./errors.ts";
import type { Shape } from "./model.ts";
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

export type BackendChoice = "auto" | "webgpu" | "wasm";

/**
 * Where a model comes from: a catalogue id, the id of a stored model, the URL of a GGUF file (of the first of a split one), a Hugging Face
 * page or "owner/repository:Q4_K_M", or a file the user picked (all files of a split one).
 */
export type ModelSource = string | File | readonly File[];

/** How hosts are asked. */
export interface Access {
  /** Access token for the host of the model; null for the one that is kept for it, if any. It is sent to that host alone. */
  readonly token: string | null;
  /** Base URL of the hub that "owner/repository" means; null for https://huggingface.co. */
  readonly hub: string | null;
}

export interface LoadRequest extends Partial<Access> {
  readonly model: ModelSource;
  readonly backend: BackendChoice;
  /** Positions to make room for; null takes what the model was trained for, as far as memory allows. */
  readonly contextLength: number | null;
  /** Form of keys and values on WebGPU. */
  readonly cache?: CacheType;
  /** WASM memory for weights and cache, in bytes. */
  readonly memoryBytes?: number | undefined;
  /** Also where the model took the tab down twice in a row. */
  readonly afterCrashes: boolean;
  /** Leaves a model that is in memory where it is. */
  readonly onlyIfFree?: boolean;
}

/** How far loading is. Phases come in this order; a phase that is not needed is left out. */
export interface LoadProgress {
  readonly phase: "header" | "download" | "load" | "prepare";
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Download speed of the last seconds; 0 where nothing is downloaded. */
  readonly bytesPerSecond: number;
}

/** What is known of a model before it is loaded: from the first bytes of its file and the store. */
export interface ModelPreview {
  /** Key of the model in the store. */
  readonly id: string;
  /** general.name of the file, else the file's name. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Bytes already in the store. */
  readonly storedBytes: number;
  /** Free storage as the browser estimates it; null where it doesn't say. */
  readonly freeBytes: number | null;
  /** How often in a row the tab died while this model was loading or running. */
  readonly crashes: number;
  /** What its makers or we recommend; null where nothing is known. */
  readonly defaults: ModelDefaults | null;
}

/** System prompt and sampling a model answers best with. */
export interface ModelDefaults {
  /** Empty for none. */
  readonly system: string;
  readonly sampling: Partial<Omit<Sampling, "seed">>;
}

/** One file of a model in the catalogue: the same weights come in several quantizations. */
export interface CatalogueFile {
  /** "Q4_K_M", as the file's name has it. */
  readonly quantization: string;
  /** Where the file is, first to last to try; relative ones belong to the app's own origin. None where no source is confirmed. */
  readonly urls: readonly string[];
  /** As its page says, which may round to 10 MB. What the server says counts, once it is asked. */
  readonly sizeBytes: number;
  /** Lower-case hex, where it is published. */
  readonly sha256: string | null;
}

/** A model of public/catalogue.json. Its fields as a `CatalogueFile` are those of the file that we recommend. */
export interface CatalogueEntry extends CatalogueFile {
  readonly id: string;
  readonly name: string;
  readonly parameters: number;
  readonly licence: string;
  /** The page that tells more of the model. */
  readonly homepage: string;
  readonly defaults: ModelDefaults | null;
  /** The same model in other quantizations, smallest first: "id:Q8_0" loads one. */
  readonly variants: readonly CatalogueFile[];
  /** chat answers; text only goes on writing; demonstration is ours, shows the engine at work and is never offered for answers. */
  readonly use: "chat" | "text" | "demonstration";
  /** Positions it was trained for. */
  readonly contextLength: number;
  /** Id of the prompt format it was trained with, where the engine has it; null where only its file tells. */
  readonly prompt: string | null;
  /** Whether public pages were seen to have these very files. Where not, `advice` tells how to bring one. */
  readonly confirmed: boolean;
  /** What a person has to know before getting it; null where there is nothing. */
  readonly advice: string | null;
}

/** How a stored model came here: from an address, as a copy of files from a disk, or converted by us from another format. */
export type ModelOrigin = "address" | "file" | "conversion";

/** A model in the store, or on its way there. */
export interface StoredModel {
  /** What to give to `load`. */
  readonly id: string;
  /** File name. */
  readonly name: string;
  /** Of all its files; 0 while a conversion does not know yet. */
  readonly sizeBytes: number;
  readonly storedBytes: number;
  /** All of it is here, and compared with the published hash where there is one. */
  readonly complete: boolean;
  /** It is downloaded, copied or converted at this moment, in this tab or another. */
  readonly busy: boolean;
  readonly origin: ModelOrigin;
  /** Where it came from; null where it came from no server. */
  readonly url: string | null;
  /** Published SHA-256 in lower-case hex; null where none is, and for split models, whose files have one each. */
  readonly sha256: string | null;
  /** Compared with the published hash, and the same. */
  readonly verified: boolean;
  /** When it was begun, in milliseconds since 1970; null where an earlier version did. */
  readonly addedMs: number | null;
  /** Number of files it comes in. */
  readonly parts: number;
  /** "Q4_K_M", as the name has it; null where it has none. */
  readonly quantization: string | null;
}

/** A loaded model. */
export interface ModelInfo extends BackendInfo {
  readonly id: string;
  readonly name: string;
  /** "Q4_1": the type of most of the weights. */
  readonly quantization: string;
  readonly parameters: number;
  readonly sizeBytes: number;
  readonly shape: Shape;
  /** Positions there is room for. */
  readonly contextLength: number;
  /** "the file's own template" and the like: how messages become a prompt. */
  readonly template: string;
  /** The same as a format's id, or "template"; a chat request's `prompt_format` asks for another. */
  readonly promptFormat?: string;
  /** The formats there are to choose from. */
  readonly promptFormats?: readonly PromptFormat[];
  /** What a person should be told before they believe an answer; null where there is nothing. */
  readonly notice?: string | null;
  /** The token that prompts start with; null where the model wants none. */
  readonly startToken: number | null;
}

/** A model in memory, as its caller gets it. */
export interface LoadedModel {
  /** The caller's own handle: it counts up, so that one of a model that was replaced is known to be stale. */
  readonly model: number;
  readonly info: ModelInfo;
  /** What would load it again. */
  readonly request: LoadRequest;
  /** When it came into memory, in milliseconds since 1970. */
  readonly sinceMs: number;
}

/** How a model went from memory. */
export interface Fate {
  readonly reason: "replaced" | "unloaded";
  /** Name of the model that came in its place; null where none did. */
  readonly by: string | null;
}

/** A way to turn messages into a prompt. */
export interface PromptFormat {
  /** For `prompt_format` of a chat request: "vicuna-v1.1". */
  readonly id: string;
  /** For people: "Vicuna 1.1 to 1.5". */
  readonly name: string;
}

/** Who goes first where several ask: a person who waits, a widget in a page, what works in the background. */
export type Urgency = "person" | "widget" | "background";

/** How a request is treated. */
export interface Manner {
  /** Default "person". */
  readonly urgency?: Urgency;
  /** Name of the conversation it belongs to: what the model has read of it is kept on disk, until it is forgotten. */
  readonly conversation?: string;
}

/** Times of the last request, and what is held. */
export interface Stats {
  readonly load: { readonly bytes: number; readonly milliseconds: number };
  readonly prefill: { readonly tokens: number; readonly cachedTokens: number; readonly milliseconds: number };
  readonly decode: { readonly tokens: number; readonly milliseconds: number };
  readonly gpuBytes: number;
  readonly wasmBytes: number;
}

/** A value, or why there is none: comlink would keep only an error's name, message and stack. */
export type Reply<T> = { readonly value: T } | { readonly error: ErrorRecord };

/** Where a running job posts what it has to say: a MessagePort, so that nothing waits for an answer. */
export interface Outlet<T> {
  postMessage(message: T): void;
}

/** What a stream posts: pieces as they come, then one end or one error, and nothing after. */
export type StreamMessage<Piece> =
  { readonly pieces: readonly Piece[] } | { readonly end: true } | { readonly error: ErrorRecord };

/** What crosses the wire to the worker that holds the model. `job` names a call that can be stopped; `model` the handle `load` gave. */
export interface WorkerApi {
  preview(source: ModelSource, access?: Partial<Access>): Promise<Reply<ModelPreview>>;
  /**
   * Brings a model into memory and frees the one before, once the new file is here and readable. Where the same model is there already,
   * loaded in the same way by anybody, gives a share in it.
   */
  load(job: number, request: LoadRequest, progress: Outlet<LoadProgress>): Promise<Reply<LoadedModel>>;
  /** A share in the model that is in memory; null where there is none. `patiently`: also waits for one that is being loaded. */
  join(patiently?: boolean): Promise<Reply<LoadedModel | null>>;
  /** Resolves when the model of a handle has gone from memory, with how that came. */
  ended(model: number): Promise<Reply<Fate>>;
  tokenize(
    model: number,
    text: string,
    options: { readonly bos?: boolean; readonly special?: boolean },
  ): Promise<Reply<number[]>>;
  detokenize(model: number, ids: readonly number[]): Promise<Reply<string>>;
  /** Whole answers. */
  chat(model: number, job: number, request: ChatRequest, manner?: Manner): Promise<Reply<ChatCompletion>>;
  complete(model: number, job: number, request: CompletionRequest, manner?: Manner): Promise<Reply<Completion>>;
  score(model: number, job: number, request: ScoreRequest, manner?: Manner): Promise<Reply<ScoreResponse>>;
  embed(model: number, job: number, request: EmbeddingRequest, manner?: Manner): Promise<Reply<Embeddings>>;
  /** Looks what an adapter's files are, and whether they fit the model. */
  previewAdapter(model: number, job: number, request: AdapterRequest): Promise<Reply<AdapterPreview>>;
  /** Loads an adapter beside the model's weights; one of the same name makes way for it. */
  addAdapter(model: number, job: number, request: AdapterRequest): Promise<Reply<AdapterInfo>>;
  adapters(model: number): Promise<Reply<readonly AdapterInfo[]>>;
  /** Takes one out of memory. An unknown name is no error. */
  removeAdapter(model: number, id: string): Promise<Reply<null>>;
  /** Streamed ones: resolves when the request is found good and waits for its turn. */
  streamChat(
    model: number,
    job: number,
    request: ChatRequest,
    outlet: Outlet<StreamMessage<ChatCompletionChunk>>,
    manner?: Manner,
  ): Promise<Reply<null>>;
  streamCompletion(
    model: number,
    job: number,
    request: CompletionRequest,
    outlet: Outlet<StreamMessage<Completion>>,
    manner?: Manner,
  ): Promise<Reply<null>>;
  /** Ends a job between two tokens, or between two pieces of a file. An unknown or finished job is no error. */
  stop(job: number): Promise<void>;
  stats(model: number): Promise<Reply<Stats>>;
  /** Gives the caller's share back; the model is freed with the last one. */
  unload(model: number): Promise<Reply<null>>;
  /** All that a file's header says. Reads no further. */
  inspect(job: number, source: ModelSource): Promise<Reply<ModelDetails>>;
  /** Foretells how models would do here; measures the device where that was not done before, or is to be done `again`. */
  advise(job: number, subjects: readonly AdviceSubject[], again: boolean): Promise<Reply<readonly Advice[]>>;
  catalogue(): Promise<Reply<readonly CatalogueEntry[]>>;
  storedModels(): Promise<Reply<readonly StoredModel[]>>;
  removeModel(id: string): Promise<Reply<null>>;
  deleteEverything(): Promise<Reply<null>>;
}
