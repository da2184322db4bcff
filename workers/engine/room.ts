// The place where one model at a time is in memory, for all who call: who loads waits for the others, who asks for what is there shares it.
import { AdviceDesk } from "./advice-desk.ts";
import { EngineError, type ErrorCode } from "./base/errors.ts";
import type { Host } from "./base/host.ts";
import type { Fate, LoadProgress, LoadRequest } from "./base/wire.ts";
import { openEngine, type Engine } from "./engine.ts";
import type { FoundModel, Library } from "./library.ts";
import { isGguf, readLoadable } from "./loadable.ts";
import { Queue } from "./queue.ts";

/** The model in memory. */
export interface Loaded {
  readonly engine: Engine;
  readonly found: FoundModel;
  /** What was asked for, without the token. */
  readonly request: LoadRequest;
  /** In milliseconds since 1970. */
  readonly sinceMs: number;
  /** How it ended, once it has. */
  readonly ended: Promise<Fate>;
}

/** Failures that say nothing against a model in memory. */
const HARMLESS = new Set<ErrorCode>(["aborted", "bad_request", "bad_template", "busy", "context_full", "disposed"]);

/** A caller's share in a model: it is freed when nobody has one any more. */
interface Share {
  readonly loaded: Loaded;
  /** The share alone ended: its owner wants it no more. */
  readonly giveBack: () => void;
  readonly ended: Promise<Fate>;
}

export class ModelRoom {
  /** What runs for any caller. */
  readonly jobs = new Set<AbortController>();
  readonly desk: AdviceDesk;
  private readonly loading = new Queue();
  /** Those who wait for a model that another caller is loading. */
  private readonly audience = new Set<(progress: LoadProgress) => void>();
  private readonly shares = new Map<number, Share>();
  /** Models in which something broke that loading them again may mend. */
  private readonly doubted = new WeakSet<Loaded>();
  private current: (Loaded & { readonly end: (fate: Fate) => void }) | null = null;
  private lastHandle = 0;

  constructor(
    private readonly host: Host,
    readonly library: Library,
  ) {
    this.desk = new AdviceDesk(host);
  }

  /**
   * Brings a model into memory, or gives a share in the one that is there where that is the same and well; returns the share's handle. Another
   * model goes as soon as the new one is known to be readable. Who waits for another caller's loading hears how far that is.
   */
  async load(request: LoadRequest, onProgress: (progress: LoadProgress) => void, signal: AbortSignal): Promise<number> {
    this.audience.add(onProgress);
    const leave = await this.loading.enter({ signal }).finally(() => this.audience.delete(onProgress));
    try {
      const { current } = this;
      const say = (progress: LoadProgress): void => {
        for (const hear of [onProgress, ...this.audience]) hear(progress);
      };
      const isHere = current && isSame(current, request) && !this.doubted.has(current);
      return this.share(isHere ? current : await this.replace(request, say, signal));
    } finally {
      leave();
    }
  }

  /** A share in the model that is in memory, if any: one of the `own` ones, else a new one. `patiently`: waits for what is being loaded. */
  async join(own: ReadonlySet<number>, patiently: boolean): Promise<{ readonly handle: number; readonly loaded: Loaded } | null> {
    if (patiently) (await this.loading.enter())();
    const { current } = this;
    if (!current) return null;
    const handle = [...own].find((each) => this.shares.get(each)?.loaded === current);
    return { handle: handle ?? this.share(current), loaded: current };
  }

  /** The model of a handle. Throws `disposed` where it is no longer in memory. */
  need(handle: number): Loaded {
    const loaded = this.shares.get(handle)?.loaded;
    if (loaded && loaded === this.current) return loaded;
    const message = this.current ? "This model was replaced by another." : "The model was unloaded.";
    throw new EngineError("disposed", message, "Load it again.");
  }

  /** Hears what a request failed with: whoever asks for this model next may get it loaded anew. */
  failed(loaded: Loaded, error: unknown): void {
    if (!HARMLESS.has(EngineError.record(error).code)) this.doubted.add(loaded);
  }

  /** How the model of a handle ends, as soon as it does. */
  ended(handle: number): Promise<Fate> {
    return this.shares.get(handle)?.ended ?? Promise.resolve({ reason: "unloaded", by: null });
  }

  /** Gives a share back; the model is freed with the last one. */
  async unload(handle: number): Promise<void> {
    const share = this.forget(handle);
    if (share && share.loaded === this.current && ![...this.shares.values()].some(({ loaded }) => loaded === share.loaded))
      await this.free({ reason: "unloaded", by: null });
  }

  /** Takes a share from a caller that is gone. The model stays: whoever comes next may want it. */
  forget(handle: number): Share | null {
    const share = this.shares.get(handle) ?? null;
    this.shares.delete(handle);
    share?.giveBack();
    return share;
  }

  /** Stops everything, frees the model, empties the store. */
  async clear(): Promise<void> {
    for (const job of this.jobs) job.abort();
    const leave = await this.loading.enter();
    try {
      await this.free({ reason: "unloaded", by: null });
      await this.library.removeEverything();
    } finally {
      leave();
    }
  }

  /** Runs something while nothing is loaded and nothing is answered. */
  async alone(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const leave = await this.loading.enter({ signal });
    try {
      await (this.current ? this.current.engine.aside(work, signal) : work());
    } finally {
      leave();
    }
  }

  /** Brings a model into memory in place of the one that is there, which stays as long as the new one may turn out unreadable. */
  private async replace(
    request: LoadRequest,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<Loaded> {
    const { backend, contextLength, cache, memoryBytes, token = null, hub = null } = request;
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
    await this.free({ reason: "replaced", by: found.name ?? file.name });
    const endWork = await found.markWork();
    try {
      const engine = await openEngine(this.host, file, {
        ...found,
        backend,
        contextLength,
        cache,
        memoryBytes,
        onProgress,
        signal,
      });
      const { promise: ended, resolve: end } = promiseOf<Fate>();
      this.current = { engine, found, request: { ...request, token: null }, sinceMs: Date.now(), ended, end };
      if (isGguf(file)) await this.desk.foretell(found, file);
      return this.current;
    } finally {
      await endWork();
    }
  }

  private share(loaded: Loaded): number {
    const { promise, resolve } = promiseOf<Fate>();
    const giveBack = (): void => resolve({ reason: "unloaded", by: null });
    this.shares.set(++this.lastHandle, { loaded, giveBack, ended: Promise.race([loaded.ended, promise]) });
    return this.lastHandle;
  }

  private async free(fate: Fate): Promise<void> {
    const { current } = this;
    this.current = null;
    current?.end(fate);
    await current?.engine.close();
  }
}

/** Whether a request would bring nothing but what is in memory already. A file from a disk is never known to be the same. */
function isSame({ found, request }: Loaded, wanted: LoadRequest): boolean {
  const isThis = typeof wanted.model === "string" && (wanted.model === request.model || wanted.model === found.id);
  const inTheSameWay =
    wanted.backend === request.backend &&
    wanted.contextLength === request.contextLength &&
    (wanted.cache ?? "f16") === (request.cache ?? "f16");
  return isThis && inTheSameWay && !wanted.onlyIfFree;
}

function promiseOf<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
