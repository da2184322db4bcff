// A model in the engine's memory, as its caller sees it. Where the tab with the engine goes, it is loaded again and the caller need not know.
import { ModelAdapters } from "./adapters.ts";
import { isGone, steady, type AnyPiece } from "./steady.ts";
import { plain, run, stream } from "./requests.ts";
import type { Pace } from "./stream.ts";
import type { Api, Wire } from "./wire.ts";
import type { Create, Cria, ModelChange, RequestOptions } from "../engine/base/cria.ts";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatRequest,
  Completion,
  CompletionRequest,
  EmbeddingRequest,
} from "../engine/base/openai.ts";
import type { ScoreRequest, ScoreResponse } from "../engine/base/score.ts";
import type { LoadedModel, Manner, ModelInfo, Reply, Stats } from "../engine/base/wire.ts";

/** Where a model is: a handle over a connection. */
export interface Seat {
  readonly wire: Wire<Api>;
  readonly loaded: LoadedModel;
  /** In another tab. */
  readonly elsewhere: boolean;
}

/** What a model needs of its place. */
export interface Around {
  /** Loads it again where its tab has gone; null where nobody here can. */
  readonly again: (() => Promise<Seat>) | null;
  readonly onChange?: ((change: ModelChange) => void) | undefined;
  readonly pace: Pace;
}

type Call<T> = (api: Api, job: number, model: number) => Promise<Reply<T>>;
type StreamCall = (api: Api, job: number, model: number, port: MessagePort) => Promise<Reply<null>>;

/** A loaded model. */
export class SeatedModel implements Cria {
  readonly completions: Cria["completions"];
  readonly chat: Cria["chat"];
  readonly embeddings: Cria["embeddings"];
  readonly adapters: ModelAdapters;
  private moving: Promise<Seat> | null = null;
  private isUnloaded = false;

  constructor(
    private seat: Seat,
    private readonly around: Around,
  ) {
    this.completions = creator<CompletionRequest, Completion, Completion>(
      (request, { signal }, manner) => this.run(signal, (api, job, model) => api.complete(model, job, request, manner)),
      (request, { signal }, manner) =>
        this.stream(request, signal, (q) => (api, job, model, port) => api.streamCompletion(model, job, q, port, manner)),
    );
    const completions = creator<ChatRequest, ChatCompletion, ChatCompletionChunk>(
      (request, { signal }, manner) => this.run(signal, (api, job, model) => api.chat(model, job, request, manner)),
      (request, { signal }, manner) =>
        this.stream(request, signal, (q) => (api, job, model, port) => api.streamChat(model, job, q, port, manner)),
    );
    this.chat = { completions };
    this.embeddings = {
      create: (request: EmbeddingRequest, options: RequestOptions = {}) =>
        this.run(options.signal, (api, job, model) => api.embed(model, job, plain(request), mannerOf(options))),
    };
    this.adapters = new ModelAdapters((signal, call) => this.run(signal, call));
    this.settle(seat);
  }

  get info(): ModelInfo {
    return this.seat.loaded.info;
  }

  tokenize(text: string, options: { bos?: boolean; special?: boolean } = {}): Promise<number[]> {
    return this.ask((api, model) => api.tokenize(model, text, options));
  }

  detokenize(ids: readonly number[]): Promise<string> {
    return this.ask((api, model) => api.detokenize(model, plain(ids)));
  }

  score(request: ScoreRequest, options: RequestOptions = {}): Promise<ScoreResponse> {
    const { against } = request; // typed arrays: cloned as they are
    const { context, continuations, distributions = false, adapters = null } = plain({ ...request, against: null });
    const asked = { context, continuations, distributions, adapters, ...(against && { against }) };
    return this.run(options.signal, (api, job, model) => api.score(model, job, asked, mannerOf(options)));
  }

  stats(): Promise<Stats> {
    return this.ask((api, model) => api.stats(model));
  }

  async unload(): Promise<void> {
    this.isUnloaded = true;
    const { wire, loaded } = await (this.moving ?? this.seat);
    if (!wire.isDead) await wire.ask((api) => api.unload(loaded.model));
  }

  /** Where the model is now: brings it back first where its tab has gone. Rejects with what keeps it from coming back. */
  seated(): Promise<Seat> {
    const { seat, around } = this;
    if (!around.again || this.isUnloaded || !seat.wire.isGone) return Promise.resolve(seat);
    this.moving ??= around
      .again()
      .then(async (seat) => {
        await this.adapters.restore((signal, call) => run(seat.wire, signal, (api, job) => call(api, job, seat.loaded.model)));
        this.settle(seat);
        return (this.seat = seat);
      })
      .finally(() => (this.moving = null));
    return this.moving;
  }

  /** Tells of the model in its new place, and of its end there. */
  private settle({ wire, loaded, elsewhere }: Seat): void {
    const { onChange } = this.around;
    if (!onChange) return;
    onChange({ kind: "ready", info: loaded.info, elsewhere });
    wire.onDeath(({ code }) => {
      if (code === "engine_gone") onChange({ kind: "lost" });
    });
    void wire
      .ask((api) => api.ended(loaded.model))
      .then(
        (fate) => this.isUnloaded || onChange({ kind: "ended", ...fate }),
        () => undefined, // the connection's own end was told
      );
  }

  private async ask<T>(call: (api: Api, model: number) => Promise<Reply<T>>): Promise<T> {
    return this.twice(({ wire, loaded }) => wire.ask((api) => call(api, loaded.model)));
  }

  private run<T>(signal: AbortSignal | undefined, call: Call<T>): Promise<T> {
    return this.twice(({ wire, loaded }) => run(wire, signal, (api, job) => call(api, job, loaded.model)));
  }

  private async stream<Request extends { readonly seed?: number | null }, Piece extends AnyPiece>(
    request: Request,
    signal: AbortSignal | undefined,
    callFor: (request: Request) => StreamCall,
  ): Promise<AsyncIterable<Piece>> {
    // With its seed known, an answer can be given again.
    const { elsewhere } = await this.seated();
    const seed = request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
    const call = callFor(elsewhere ? { ...request, seed } : request);
    const open = (): Promise<AsyncIterable<Piece>> =>
      this.twice(({ wire, loaded }) =>
        stream<Piece>(wire, this.around.pace, signal, (api, job, port) => call(api, job, loaded.model, port)),
      );
    const pieces = await open();
    return elsewhere && this.around.again ? steady(pieces, open) : pieces;
  }

  /** Runs something, and once more where the engine's tab goes meanwhile. */
  private async twice<T>(work: (seat: Seat) => Promise<T>): Promise<T> {
    try {
      return await work(await this.seated());
    } catch (error) {
      if (!isGone(error) || !this.around.again) throw error;
      return work(await this.seated());
    }
  }
}

/** `create`, whole or streamed as the request says. */
function creator<Request extends { readonly stream?: boolean | null }, Whole, Piece>(
  whole: (request: Request, options: RequestOptions, manner: Manner) => Promise<Whole>,
  streamed: (request: Request, options: RequestOptions, manner: Manner) => Promise<AsyncIterable<Piece>>,
): Create<Request, Whole, Piece> {
  function create(request: Request & { stream: true }, options?: RequestOptions): Promise<AsyncIterable<Piece>>;
  function create(request: Request & { stream?: false | null }, options?: RequestOptions): Promise<Whole>;
  function create(request: Request, options: RequestOptions = {}): Promise<AsyncIterable<Piece> | Whole> {
    return (request.stream ? streamed : whole)(plain(request), options, mannerOf(options));
  }
  return { create };
}

/** What of a request's options crosses to the engine. */
function mannerOf({ urgency, conversation }: RequestOptions): Manner {
  return { ...(urgency && { urgency }), ...(conversation && { conversation }) };
}
