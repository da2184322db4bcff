// The workers at the other end: started when first needed, and replaced when they have died.
import { wrap, type Remote } from "comlink";
import { EngineError, type ErrorRecord } from "../engine/base/errors.ts";
import type { StoreApi } from "../engine/base/storage.ts";
import type { Reply, WorkerApi } from "../engine/base/wire.ts";

/** The methods of the engine's worker, each a message there and one back. */
export type Api = Remote<WorkerApi>;

/** A call that can be stopped. */
export interface Job {
  readonly id: number;
  /** Ends it between two tokens. */
  stop(): void;
  /** It has ended: its signal is no longer listened to. */
  done(): void;
}

let current: Wire<Api> | null = null;
let currentStore: Wire<Remote<StoreApi>> | null = null;
let lastJob = 0;

/** The living worker that holds the model; a new one where there is none. */
export function connect(): Wire<Api> {
  if (current?.isDead ?? true) {
    const worker = new Worker(new URL("../llm.worker.ts", import.meta.url), { type: "module", name: "cria" });
    current = new Wire(worker, wrap<WorkerApi>(worker), "The model's worker", "Load the model again.");
  }
  return current!;
}

/** The living worker that keeps models; a new one where there is none. */
export function connectStore(): Wire<Remote<StoreApi>> {
  if (currentStore?.isDead ?? true) {
    const worker = new Worker(new URL("../store.worker.ts", import.meta.url), { type: "module", name: "cria-store" });
    currentStore = new Wire(worker, wrap<StoreApi>(worker), "The store's worker", "Try again: what has arrived is kept.");
  }
  return currentStore!;
}

/** A connection to one worker, for as long as that worker lives. */
export class Wire<Methods extends { readonly stop: (job: number) => Promise<void> }> {
  private readonly mourners = new Set<(cause: ErrorRecord) => void>();
  private cause: ErrorRecord | null = null;

  constructor(
    worker: Worker,
    private readonly api: Methods,
    private readonly name: string,
    private readonly hint: string,
  ) {
    worker.onerror = (event) => {
      event.preventDefault();
      this.die(event.message || "its program could not be loaded", worker);
    };
    worker.onmessageerror = () => this.die("a message could not be read", worker);
  }

  get isDead(): boolean {
    return this.cause !== null;
  }

  /** Calls the worker. Rejects with the error it replies, revived, or with `internal` when it dies. */
  ask<T>(call: (api: Methods) => Promise<Reply<T>>): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = this.onDeath((cause) => reject(EngineError.revive(cause)));
      const settle = (reply: Reply<T>): void => {
        forget();
        if ("error" in reply) reject(EngineError.revive(reply.error));
        else resolve(reply.value);
      };
      call(this.api).then(settle, (error: unknown) => settle({ error: EngineError.record(error) }));
    });
  }

  /** Opens a job, which `signal` stops until `done` is called. Throws `aborted` where it has fired already. */
  openJob(signal: AbortSignal | undefined): Job {
    if (signal?.aborted) throw new EngineError("aborted", "Stopped before it began.");
    const id = ++lastJob;
    const stop = (): void => {
      if (this.cause === null) void this.api.stop(id);
    };
    signal?.addEventListener("abort", stop, { once: true });
    return { id, stop, done: () => signal?.removeEventListener("abort", stop) };
  }

  /** Calls `listener` when the worker dies, at once if it is dead. Gives the function that takes the listener back. */
  onDeath(listener: (cause: ErrorRecord) => void): () => void {
    if (this.cause) listener(this.cause);
    else this.mourners.add(listener);
    return () => this.mourners.delete(listener);
  }

  private die(reason: string, worker: Worker): void {
    this.cause = { code: "internal", message: `${this.name} stopped: ${reason}.`, hint: this.hint };
    worker.terminate();
    for (const mourner of this.mourners) mourner(this.cause);
    this.mourners.clear();
  }
}
