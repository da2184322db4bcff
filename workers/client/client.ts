// The page's side of the wire: what a page, a widget or another site asks of the engine. Errors are revived, an
// AbortSignal becomes stop(job), and nothing heavy runs here.
import { transfer } from "comlink";
import { Inbox, readPieces, type StreamedPiece } from "./stream.ts";
import { absolute } from "./store.ts";
import { connect, type Api, type Wire as WireTo } from "./wire.ts";
import type { Advice, AdviceSubject } from "../engine/base/advice.ts";
import type { ModelDetails } from "../engine/base/details.ts";
import type { Create, Cria, LoadOptions, RequestOptions } from "../engine/base/cria.ts";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatRequest,
  Completion,
  CompletionRequest,
  EmbeddingRequest,
} from "../engine/base/openai.ts";
import type { ScoreRequest, ScoreResponse } from "../engine/base/score.ts";
import type {
  Access,
  CatalogueEntry,
  LoadProgress,
  ModelInfo,
  ModelPreview,
  ModelSource,
  Reply,
  Stats,
  StoredModel,
} from "../engine/base/wire.ts";

type Wire = WireTo<Api>;

/**
 * Loads a model; the one loaded before it is freed. Rejects with an `EngineError`: with `aborted` when `signal` fires, and
 * then nothing of it is left in memory, while what was downloaded stays stored.
 */
export async function load(options: LoadOptions): Promise<Cria> {
  const {
    onProgress,
    signal,
    backend = "auto",
    contextLength = null,
    cache = "f16",
    afterCrashes = false,
    onlyIfFree = false,
    token = null,
    hub = null,
  } = options;
  const wire = connect();
  const progress = new MessageChannel();
  progress.port1.onmessage = ({ data }: MessageEvent<LoadProgress>) => onProgress?.(data);
  const outlet = transfer(progress.port2, [progress.port2]);
  try {
    const request = { model: oneModel(options.model), backend, contextLength, cache, afterCrashes, onlyIfFree, token, hub };
    const { model, info } = await run(wire, signal, (api, job) => api.load(job, request, outlet));
    return new LoadedModel(wire, model, info);
  } finally {
    progress.port1.close();
  }
}

/** What is known of a model before it is loaded. Reads the first bytes of its file, never more. */
export function preview(model: ModelSource, access: Partial<Access> = {}): Promise<ModelPreview> {
  return connect().ask((api) => api.preview(oneModel(model), access));
}

/** All that the header of a model's file says; nothing else of the file is read. */
export function inspect(model: ModelSource, signal?: AbortSignal): Promise<ModelDetails> {
  return run(connect(), signal, (api, job) => api.inspect(job, oneModel(model)));
}

/**
 * Foretells how models would do on this device: whether each fits, how long a context, how soon the first word, how many tokens a second.
 * Of a model that has to be looked into, the header is read and nothing else. The device is measured once, in about half a second of
 * silence, and `again` where asked. Rejects with what reading the header rejects with.
 */
export function advise(
  subjects: readonly AdviceSubject[],
  { again = false, signal }: { again?: boolean; signal?: AbortSignal } = {},
): Promise<readonly Advice[]> {
  const addressed = subjects.map((subject) => (typeof subject === "string" ? absolute(subject) : subject));
  return run(connect(), signal, (api, job) => api.advise(job, addressed, again));
}

/** The models the app offers. */
export function catalogue(): Promise<readonly CatalogueEntry[]> {
  return connect().ask((api) => api.catalogue());
}

/** The models in the store, whole or in part. */
export function storedModels(): Promise<readonly StoredModel[]> {
  return connect().ask((api) => api.storedModels());
}

/** Removes a model's bytes from the store. A loaded model goes on working. */
export async function removeModel(id: string): Promise<void> {
  await connect().ask((api) => api.removeModel(id));
}

/** Unloads the model and removes all that the engine stored: models, measured facts, crash counts. Conversations are the page's. */
export async function deleteEverything(): Promise<void> {
  await connect().ask((api) => api.deleteEverything());
}

/** A model in the worker's memory. */
class LoadedModel implements Cria {
  readonly completions: Cria["completions"];
  readonly chat: Cria["chat"];
  readonly embeddings: Cria["embeddings"];

  constructor(
    private readonly wire: Wire,
    private readonly model: number,
    readonly info: ModelInfo,
  ) {
    this.completions = creator<CompletionRequest, Completion, Completion>(
      (request, signal) => run(wire, signal, (api, job) => api.complete(model, job, request)),
      (request, signal) => stream(wire, signal, (api, job, port) => api.streamCompletion(model, job, request, port)),
    );
    const completions = creator<ChatRequest, ChatCompletion, ChatCompletionChunk>(
      (request, signal) => run(wire, signal, (api, job) => api.chat(model, job, request)),
      (request, signal) => stream(wire, signal, (api, job, port) => api.streamChat(model, job, request, port)),
    );
    this.chat = { completions };
    this.embeddings = {
      create: (request: EmbeddingRequest, { signal }: RequestOptions = {}) =>
        run(wire, signal, (api, job) => api.embed(model, job, plain(request))),
    };
  }

  tokenize(text: string, options: { bos?: boolean; special?: boolean } = {}): Promise<number[]> {
    return this.wire.ask((api) => api.tokenize(this.model, text, options));
  }

  detokenize(ids: readonly number[]): Promise<string> {
    return this.wire.ask((api) => api.detokenize(this.model, plain(ids)));
  }

  score(request: ScoreRequest, options: RequestOptions = {}): Promise<ScoreResponse> {
    const { against } = request; // typed arrays: cloned as they are
    const { context, continuations, distributions = false } = plain({ ...request, against: null });
    const asked = { context, continuations, distributions, ...(against && { against }) };
    return run(this.wire, options.signal, (api, job) => api.score(this.model, job, asked));
  }

  stats(): Promise<Stats> {
    return this.wire.ask((api) => api.stats(this.model));
  }

  async unload(): Promise<void> {
    await this.wire.ask((api) => api.unload(this.model));
  }
}

/** `create`, whole or streamed as the request says. */
function creator<Request extends { readonly stream?: boolean | null }, Whole, Piece>(
  whole: (request: Request, signal: AbortSignal | undefined) => Promise<Whole>,
  streamed: (request: Request, signal: AbortSignal | undefined) => Promise<AsyncIterable<Piece>>,
): Create<Request, Whole, Piece> {
  function create(request: Request & { stream: true }, options?: RequestOptions): Promise<AsyncIterable<Piece>>;
  function create(request: Request & { stream?: false | null }, options?: RequestOptions): Promise<Whole>;
  function create(request: Request, options: RequestOptions = {}): Promise<AsyncIterable<Piece> | Whole> {
    return request.stream ? streamed(plain(request), options.signal) : whole(plain(request), options.signal);
  }
  return { create };
}

/** A call that `signal` stops. */
async function run<T>(
  wire: Wire,
  signal: AbortSignal | undefined,
  call: (api: Api, job: number) => Promise<Reply<T>>,
): Promise<T> {
  const job = wire.openJob(signal);
  try {
    return await wire.ask((api) => call(api, job.id));
  } finally {
    job.done();
  }
}

/** A call whose answer comes in pieces: resolves when the request was found good. */
async function stream<Piece extends StreamedPiece>(
  wire: Wire,
  signal: AbortSignal | undefined,
  call: (api: Api, job: number, port: MessagePort) => Promise<Reply<null>>,
): Promise<AsyncIterable<Piece>> {
  const job = wire.openJob(signal);
  const { port1, port2 } = new MessageChannel();
  const inbox = new Inbox<Piece>(port1);
  const forget = wire.onDeath((error) => inbox.put({ error }));
  const leave = (ended: boolean): void => {
    if (!ended) job.stop();
    job.done();
    forget();
    inbox.close();
  };
  try {
    await wire.ask((api) => call(api, job.id, transfer(port2, [port2])));
  } catch (error) {
    leave(true);
    throw error;
  }
  return readPieces(inbox, signal, leave);
}

/** A copy that can be cloned, also of a framework's proxies. What JSON cannot say becomes text, which the engine refuses. */
function plain<T>(value: T): T {
  const text = JSON.stringify(value, (_, field: unknown) =>
    typeof field === "number" && !Number.isFinite(field) ? String(field) : field,
  );
  return JSON.parse(text) as T;
}

function oneModel(model: LoadOptions["model"]): ModelSource {
  return typeof model === "string" ? absolute(model) : model;
}
