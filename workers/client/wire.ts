// A connection to a worker's api: calls are messages, errors come back as records, and an end of the worker ends what waits for it.
import type { Remote } from "comlink";
import { EngineError, type ErrorRecord } from "../engine/base/errors.ts";
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

let lastJob = 0;

/** A connection, for as long as what is at its other end lives. */
export class Wire<Methods extends { readonly stop: (job: number) => Promise<void> }> {
  private readonly mourners = new Set<(cause: ErrorRecord) => void>();
  private cause: ErrorRecord | null = null;

  /** `close` is called when the connection ends. */
  constructor(
    private readonly api: Methods,
    private readonly close: () => void,
  ) {}

  get isDead(): boolean {
    return this.cause !== null;
  }

  /** It ended because the tab with the engine did: whoever still wants it finds it elsewhere. */
  get isGone(): boolean {
    return this.cause?.code === "engine_gone";
  }

  /** Calls the worker. Rejects with the error it replies, revived, or with what it died of. */
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

  /** Calls `listener` when the connection ends, at once if it has. Gives the function that takes the listener back. */
  onDeath(listener: (cause: ErrorRecord) => void): () => void {
    if (this.cause) listener(this.cause);
    else this.mourners.add(listener);
    return () => this.mourners.delete(listener);
  }

  /** Ends it. What waits rejects with `cause`. */
  die(cause: ErrorRecord): void {
    if (this.cause) return;
    this.cause = cause;
    this.close();
    for (const mourner of this.mourners) mourner(cause);
    this.mourners.clear();
  }
}
