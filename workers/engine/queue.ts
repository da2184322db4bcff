// One request at a time, in the order they came: a model has one KV cache.
import { EngineError } from "./base/errors.ts";

/** Requests that may wait. More than that is a caller in a loop. */
const MOST_WAITING = 64;

/** A lock whose waiters are served first come, first served. */
export class Queue {
  private readonly waiting: (() => void)[] = [];
  private taken = false;

  /**
   * Waits for its turn and gives the function that ends it; calling that again does nothing.
   * Throws `aborted` when the signal fires first, `busy` when too many wait already.
   */
  enter(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(stoppedWaiting());
    if (!this.taken) {
      this.taken = true;
      return Promise.resolve(this.exit());
    }
    if (this.waiting.length >= MOST_WAITING) {
      const message = `${this.waiting.length} requests are waiting for this model already.`;
      return Promise.reject(new EngineError("busy", message, "Wait for some of them, or stop them."));
    }
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve(this.exit());
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(admit), 1);
        reject(stoppedWaiting());
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.waiting.push(admit);
    });
  }

  private exit(): () => void {
    let done = false;
    return () => {
      if (done) return;
      done = true;
      const next = this.waiting.shift();
      if (next) next();
      else this.taken = false;
    };
  }
}

function stoppedWaiting(): EngineError {
  return new EngineError("aborted", "Stopped while waiting for its turn.");
}
