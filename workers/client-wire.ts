// The worker at the other end: started when first needed, and replaced when it has died.
import { wrap, type Remote } from "comlink";
import { EngineError, type ErrorRecord } from "./engine/base/errors.ts";
import type { Reply, WorkerApi } from "./engine/base/wire.ts";

/** The worker's methods, each a message there and one back. */
export type Api = Remote<WorkerApi>;

/** A call that can be stopped. */
export interface Job {
  readonly id: number;
  /** Ends it between two tokens. */
  stop(): void;
  /** It has ended: its signal is no longer listened to. */
  done(): void;
}

let current: Wire | null = null;
let lastJob = 0;

/** The living worker; a new one where there is none. */
export function connect(): Wire {
  current ??= new Wire();
  return current;
}

/** A connection to one worker, for as long as that worker lives. */
export class Wire {
  private readonly api: Api;
  private readonly mourners = new Set<(cause: ErrorRecord) => void>();
  private cause: ErrorRecord | null = null;

  constructor() {
    const worker = new Worker(new URL("./llm.worker.ts", import.meta.url), { type: "module", name: "cria" });
    worker.onerror = (event) => {
      event.preventDefault();
      this.die(event.message || "its program could not be loaded", worker);
    };
    worker.onmessageerror = () => this.die("a message could not be read", worker);
    this.api = wrap<WorkerApi>(worker);
  }

  /** Calls the worker. Rejects with the error it replies, revived, or with `internal` when it dies. */
  ask<T>(call: (api: Api) => Promise<Reply<T>>): Promise<T> {
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
    this.cause = { code: "internal", message: `The model's worker stopped: ${reason}.`, hint: "Load the model again." };
    if (current === this) current = null;
    worker.terminate();
    for (const mourner of this.mourners) mourner(this.cause);
    this.mourners.clear();
  }
}
