// The methods that cross the wire: one model at a time, errors as records, streams to an outlet, every long call stoppable.
import { chatChunks, completionChunks, wholeChat, wholeCompletion, type Author, type Pieces } from "./answers.ts";
import { EngineError } from "./base/errors.ts";
import { AdviceDesk } from "./advice-desk.ts";
import type { Host } from "./base/host.ts";
import type { ByteSource } from "./base/source.ts";
import type {
  Access,
  CatalogueEntry,
  LoadProgress,
  LoadRequest,
  ModelDefaults,
  ModelInfo,
  ModelPreview,
  ModelSource,
  Outlet,
  Reply,
  StoredModel,
  StreamMessage,
  WorkerApi,
} from "./base/wire.ts";
import { detailsOf } from "./details.ts";
import { Engine, openEngine, type Prepared } from "./engine.ts";
import { isGguf, readLoadable } from "./loadable.ts";
import { Queue } from "./queue.ts";

/** A model file found, and what is known of it besides its bytes. */
export interface FoundModel {
  /** Key of the model in the store. */
  readonly id: string;
  /** As the catalogue calls it; null where only the file can say. */
  readonly name: string | null;
  readonly source: ByteSource;
  readonly defaults: ModelDefaults | null;
  /** Brings what is missing into the store; null where nothing is. */
  readonly download: ((signal: AbortSignal) => Promise<void>) | null;
  /** Throws `crashed_before` where the model took the tab down twice in a row. */
  refuseAfterCrashes(): Promise<void>;
  /** Marks dangerous work, so that a tab that dies of it is noticed. The result ends the mark. */
  markWork(): Promise<() => Promise<void>>;
}

export interface FindOptions extends Partial<Access> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** Where models come from and are kept: the browser's store, or a double of it. Everything throws `EngineError`s. */
export interface Library {
  find(source: ModelSource, options: FindOptions): Promise<FoundModel>;
  preview(source: ModelSource, access?: Partial<Access>): Promise<ModelPreview>;
  catalogue(): Promise<readonly CatalogueEntry[]>;
  stored(): Promise<readonly StoredModel[]>;
  remove(id: string): Promise<void>;
  removeEverything(): Promise<void>;
}

/** The api of one worker. */
export function createApi(host: Host, library: Library): WorkerApi {
  return new Api(host, library);
}

/** The model in memory. Handles count up, so that one of a model that was replaced is known to be stale. */
interface Loaded {
  readonly handle: number;
  readonly engine: Engine;
  readonly found: FoundModel;
}

class Api implements WorkerApi {
  private readonly jobs = new Map<number, AbortController>();
  private readonly loading = new Queue();
  private current: Loaded | null = null;
  private lastHandle = 0;
  private readonly desk: AdviceDesk;

  constructor(
    private readonly host: Host,
    private readonly library: Library,
  ) {
    this.desk = new AdviceDesk(host);
  }

  preview(source: ModelSource, access?: Partial<Access>): Promise<Reply<ModelPreview>> {
    return reply(() => this.library.preview(source, access));
  }

  load(job: number, request: LoadRequest, progress: Outlet<LoadProgress>): Promise<Reply<{ model: number; info: ModelInfo }>> {
    return this.asJob(job, async (signal) => {
      const leave = await this.loading.enter(signal);
      try {
        const { handle, engine } = await this.replace(request, (update) => progress.postMessage(update), signal);
        return { model: handle, info: engine.info };
      } finally {
        leave();
      }
    });
  }

  tokenize: WorkerApi["tokenize"] = (model, text, options) => {
    return reply(() => this.need(model).engine.tokenize(text, options));
  };

  detokenize: WorkerApi["detokenize"] = (model, ids) => reply(() => this.need(model).engine.detokenize(ids));

  chat: WorkerApi["chat"] = (model, job, request) => {
    return this.asJob(job, (signal) => this.whole(model, (engine) => engine.chat(request), wholeChat, signal));
  };

  complete: WorkerApi["complete"] = (model, job, request) => {
    return this.asJob(job, (signal) => this.whole(model, (engine) => engine.complete(request), wholeCompletion, signal));
  };

  streamChat: WorkerApi["streamChat"] = (model, job, request, outlet) => {
    return reply(() => this.stream(model, job, (engine) => engine.chat(request), chatChunks, outlet));
  };

  streamCompletion: WorkerApi["streamCompletion"] = (model, job, request, outlet) => {
    return reply(() => this.stream(model, job, (engine) => engine.complete(request), completionChunks, outlet));
  };

  stop(job: number): Promise<void> {
    this.jobs.get(job)?.abort();
    return Promise.resolve();
  }

  score: WorkerApi["score"] = (model, job, request) => {
    return this.asJob(job, (signal) => this.work(model, (engine) => engine.score(request), signal));
  };

  embed: WorkerApi["embed"] = (model, job, request) => {
    return this.asJob(job, (signal) => this.work(model, (engine) => engine.embed(request), signal));
  };

  stats: WorkerApi["stats"] = (model) => reply(() => this.need(model).engine.stats);

  inspect: WorkerApi["inspect"] = (job, source) => {
    return this.asJob(job, async (signal) => {
      const file = await readLoadable((await this.library.find(source, { signal })).source, signal);
      if (isGguf(file)) return detailsOf(file);
      throw new EngineError("bad_request", `${file.name} is an ONNX graph; tensors and metadata are shown of GGUF files.`);
    });
  };

  advise: WorkerApi["advise"] = (job, subjects, again) => {
    return this.asJob(job, (signal) => {
      const find = (source: ModelSource): Promise<FoundModel> => this.library.find(source, { signal });
      return this.desk.advise(subjects, { signal, again, find, alone: (work) => this.alone(work, signal) });
    });
  };

  unload: WorkerApi["unload"] = (model) => {
    return reply(async () => {
      if (this.current?.handle === model) await this.free();
      return null;
    });
  };

  catalogue: WorkerApi["catalogue"] = () => reply(() => this.library.catalogue());

  storedModels: WorkerApi["storedModels"] = () => reply(() => this.library.stored());

  removeModel: WorkerApi["removeModel"] = (id) => reply(async () => (await this.library.remove(id), null));

  deleteEverything: WorkerApi["deleteEverything"] = () => {
    return reply(async () => {
      for (const job of this.jobs.values()) job.abort();
      const leave = await this.loading.enter();
      try {
        await this.free();
        await this.library.removeEverything();
      } finally {
        leave();
      }
      return null;
    });
  };

  /** Brings a model into memory in place of the one that is there, which stays as long as the new one may turn out unreadable. */
  private async replace(
    request: LoadRequest,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<Loaded> {
    const { backend, contextLength, cache, token = null, hub = null } = request;
    onProgress({ phase: "header", doneBytes: 0, totalBytes: 0, bytesPerSecond: 0 });
    const found = await this.library.find(request.model, { token, hub, signal, onProgress });
    if (!request.afterCrashes) await found.refuseAfterCrashes();
    let file = await readLoadable(found.source, signal);
    if (found.download) {
      await found.download(signal);
      // What is in the store was checked; what the server said before was not.
      file = await readLoadable(found.source, signal);
    }
    signal.throwIfAborted();
    if (request.onlyIfFree && this.current) throw new EngineError("busy", "Another model is in memory.", "Unload it first.");
    await this.free();
    const endWork = await found.markWork();
    try {
      const engine = await openEngine(this.host, file, { ...found, backend, contextLength, cache, onProgress, signal });
      this.current = { handle: ++this.lastHandle, engine, found };
      if (isGguf(file)) await this.desk.foretell(found, file);
      return this.current;
    } finally {
      await endWork();
    }
  }

  /** Runs something while nothing is loaded and nothing is answered. */
  private async alone(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const leave = await this.loading.enter(signal);
    try {
      await (this.current ? this.current.engine.aside(work, signal) : work());
    } finally {
      leave();
    }
  }

  private async free(): Promise<void> {
    const { current } = this;
    this.current = null;
    await current?.engine.close();
  }

  private need(model: number): Loaded {
    if (this.current?.handle === model) return this.current;
    const message = this.current ? "This model was replaced by another." : "The model was unloaded.";
    throw new EngineError("disposed", message, "Load it again.");
  }

  private async whole<Whole>(
    model: number,
    prepare: (engine: Engine) => Prepared,
    shape: (author: Author, pieces: Pieces) => Promise<Whole>,
    signal: AbortSignal,
  ): Promise<Whole> {
    const { engine, found } = this.need(model);
    const start = prepare(engine);
    const answer = await this.work(model, () => (stopping) => shape(authorOf(engine), start(stopping)), signal);
    void this.desk.heard(found.id, engine);
    return answer;
  }

  /** Checks a request now and runs it in its turn. */
  private async work<T>(
    model: number,
    prepare: (engine: Engine) => (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { engine, found } = this.need(model);
    const start = prepare(engine);
    const endWork = await found.markWork();
    try {
      return await start(signal);
    } finally {
      await endWork();
    }
  }

  /** Checks the request now and answers it in the background. */
  private async stream<Chunk>(
    model: number,
    job: number,
    prepare: (engine: Engine) => Prepared,
    shape: (author: Author, pieces: Pieces) => AsyncIterable<Chunk>,
    outlet: Outlet<StreamMessage<Chunk>>,
  ): Promise<null> {
    const { engine, found } = this.need(model);
    const start = prepare(engine);
    const say = async (signal: AbortSignal): Promise<void> => {
      for await (const chunk of shape(authorOf(engine), start(signal))) outlet.postMessage({ pieces: [chunk] });
      void this.desk.heard(found.id, engine);
    };
    void this.asJob(job, (signal) => this.work(model, () => say, signal)).then((outcome) =>
      outlet.postMessage("error" in outcome ? outcome : { end: true }),
    );
    return null;
  }

  private async asJob<T>(job: number, work: (signal: AbortSignal) => Promise<T>): Promise<Reply<T>> {
    const controller = new AbortController();
    this.jobs.set(job, controller);
    const outcome = await reply(() => work(controller.signal));
    this.jobs.delete(job);
    return outcome;
  }
}

function authorOf(engine: Engine): Author {
  return { model: engine.info.id, bytesOf: (id) => engine.tokenizer.piece(id, { special: true }) };
}

/** What `work` gives or throws, as data. */
async function reply<T>(work: () => T | Promise<T>): Promise<Reply<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: EngineError.record(error) };
  }
}
