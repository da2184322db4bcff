// The methods that cross the wire, for one caller: errors as records, streams to an outlet, every long call stoppable.
import { chatChunks, completionChunks, wholeChat, wholeCompletion, type Author, type Pieces } from "./answers.ts";
import { adapterWishes } from "./adapter-uses.ts";
import type { NewAdapter } from "./adapter-desk.ts";
import type { AdapterRequest } from "./base/adapters.ts";
import { EngineError } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import type {
  Access,
  LoadedModel,
  LoadProgress,
  LoadRequest,
  Manner,
  ModelPreview,
  ModelSource,
  Outlet,
  Reply,
  StreamMessage,
  WorkerApi,
} from "./base/wire.ts";
import { detailsOf } from "./details.ts";
import type { Engine, Prepared } from "./engine.ts";
import type { FoundModel, Library } from "./library.ts";
import { isGguf, readLoadable } from "./loadable.ts";
import { ModelRoom, type Loaded } from "./room.ts";

/** The api of one worker, for its only caller. */
export function createApi(host: Host, library: Library): WorkerApi {
  return new CallerApi(new ModelRoom(host, library));
}

/** The api as one caller has it: its jobs and its shares are its own, the model is everybody's. */
export class CallerApi implements WorkerApi {
  private readonly jobs = new Map<number, AbortController>();
  private readonly handles = new Set<number>();

  constructor(private readonly room: ModelRoom) {}

  /** The caller is gone: ends what it asked for. */
  leave(): void {
    for (const job of this.jobs.values()) job.abort();
    for (const handle of this.handles) this.room.forget(handle);
    this.handles.clear();
  }

  preview(source: ModelSource, access?: Partial<Access>): Promise<Reply<ModelPreview>> {
    return reply(() => this.room.library.preview(source, access));
  }

  load(job: number, request: LoadRequest, progress: Outlet<LoadProgress>): Promise<Reply<LoadedModel>> {
    return this.asJob(job, async (signal) => {
      const handle = await this.room.load(request, (update) => progress.postMessage(update), signal);
      return this.own(handle, this.room.need(handle));
    });
  }

  join: WorkerApi["join"] = (patiently = false) => {
    return reply(async () => {
      const joined = await this.room.join(this.handles, patiently);
      return joined && this.own(joined.handle, joined.loaded);
    });
  };

  ended: WorkerApi["ended"] = (model) => reply(() => this.room.ended(model));

  tokenize: WorkerApi["tokenize"] = (model, text, options) => {
    return reply(() => this.need(model).engine.tokenize(text, options));
  };

  detokenize: WorkerApi["detokenize"] = (model, ids) => reply(() => this.need(model).engine.detokenize(ids));

  chat: WorkerApi["chat"] = (model, job, request, manner) => {
    return this.asJob(job, (signal) => this.whole(model, (engine) => inManner(engine.chat(request), manner), wholeChat, signal));
  };

  complete: WorkerApi["complete"] = (model, job, request, manner) => {
    return this.asJob(job, (signal) =>
      this.whole(model, (engine) => inManner(engine.complete(request), manner), wholeCompletion, signal),
    );
  };

  streamChat: WorkerApi["streamChat"] = (model, job, request, outlet, manner) => {
    return reply(() => this.stream(model, job, (engine) => inManner(engine.chat(request), manner), chatChunks, outlet));
  };

  streamCompletion: WorkerApi["streamCompletion"] = (model, job, request, outlet, manner) => {
    return reply(() => this.stream(model, job, (engine) => inManner(engine.complete(request), manner), completionChunks, outlet));
  };

  stop(job: number): Promise<void> {
    this.jobs.get(job)?.abort();
    return Promise.resolve();
  }

  score: WorkerApi["score"] = (model, job, request, manner) => {
    return this.asJob(job, (signal) => this.work(model, (engine) => inManner(engine.score(request), manner), signal));
  };

  embed: WorkerApi["embed"] = (model, job, request, manner) => {
    return this.asJob(job, (signal) => this.work(model, (engine) => inManner(engine.embed(request), manner), signal));
  };

  previewAdapter: WorkerApi["previewAdapter"] = (model, job, request) => {
    return this.asJob(job, async (signal) => {
      const { engine } = this.need(model);
      return engine.adapters.preview(await this.adapterOf(request, signal), signal);
    });
  };

  addAdapter: WorkerApi["addAdapter"] = (model, job, request) => {
    return this.asJob(job, async (signal) => {
      const { engine } = this.need(model);
      const adapter = await this.adapterOf(request, signal);
      return engine.aside(() => engine.adapters.add(adapter, signal), signal);
    });
  };

  adapters: WorkerApi["adapters"] = (model) => reply(() => this.need(model).engine.adapters.list);

  removeAdapter: WorkerApi["removeAdapter"] = (model, id) => {
    return reply(() => {
      const { engine } = this.need(model);
      return engine.aside(() => Promise.resolve((engine.adapters.remove(id), null)));
    });
  };

  stats: WorkerApi["stats"] = (model) => reply(() => this.need(model).engine.stats);

  inspect: WorkerApi["inspect"] = (job, source) => {
    return this.asJob(job, async (signal) => {
      const file = await readLoadable((await this.room.library.find(source, { signal })).source, signal);
      if (isGguf(file)) return detailsOf(file);
      throw new EngineError("bad_request", `${file.name} is an ONNX graph; tensors and metadata are shown of GGUF files.`);
    });
  };

  advise: WorkerApi["advise"] = (job, subjects, again) => {
    return this.asJob(job, (signal) => {
      const find = (source: ModelSource): Promise<FoundModel> => this.room.library.find(source, { signal });
      return this.room.desk.advise(subjects, { signal, again, find, alone: (work) => this.room.alone(work, signal) });
    });
  };

  unload: WorkerApi["unload"] = (model) => {
    return reply(async () => {
      this.handles.delete(model);
      await this.room.unload(model);
      return null;
    });
  };

  catalogue: WorkerApi["catalogue"] = () => reply(() => this.room.library.catalogue());

  storedModels: WorkerApi["storedModels"] = () => reply(() => this.room.library.stored());

  removeModel: WorkerApi["removeModel"] = (id) => reply(async () => (await this.room.library.remove(id), null));

  deleteEverything: WorkerApi["deleteEverything"] = () => reply(async () => (await this.room.clear(), null));

  private need(model: number): Loaded {
    return this.room.need(model);
  }

  private async adapterOf(request: AdapterRequest, signal: AbortSignal): Promise<NewAdapter> {
    return { ...adapterWishes(request), files: await this.room.library.adapterFiles(request, signal) };
  }

  private own(model: number, { engine, request, sinceMs }: Loaded): LoadedModel {
    this.handles.add(model);
    return { model, info: engine.info, request, sinceMs };
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
    void this.room.desk.heard(found.id, engine);
    return answer;
  }

  /** Checks a request now and runs it in its turn. */
  private async work<T>(
    model: number,
    prepare: (engine: Engine) => (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const loaded = this.need(model);
    const start = prepare(loaded.engine);
    const endWork = await loaded.found.markWork();
    try {
      return await start(signal);
    } catch (error) {
      this.room.failed(loaded, error);
      throw error;
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
      void this.room.desk.heard(found.id, engine);
    };
    void this.asJob(job, (signal) => this.work(model, () => say, signal)).then((outcome) =>
      outlet.postMessage("error" in outcome ? outcome : { end: true }),
    );
    return null;
  }

  private async asJob<T>(job: number, work: (signal: AbortSignal) => Promise<T>): Promise<Reply<T>> {
    const controller = new AbortController();
    this.jobs.set(job, controller);
    this.room.jobs.add(controller);
    const outcome = await reply(() => work(controller.signal));
    this.room.jobs.delete(controller);
    this.jobs.delete(job);
    return outcome;
  }
}

function authorOf(engine: Engine): Author {
  return { model: engine.info.id, bytesOf: (id) => engine.tokenizer.piece(id, { special: true }) };
}

/** A request found good, to be run in a manner. */
function inManner<T>(
  start: (signal?: AbortSignal, manner?: Manner) => T,
  manner: Manner | undefined,
): (signal?: AbortSignal) => T {
  return (signal) => start(signal, manner);
}

/** What `work` gives or throws, as data. */
async function reply<T>(work: () => T | Promise<T>): Promise<Reply<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: EngineError.record(error) };
  }
}
