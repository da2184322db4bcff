// One request at a time, as a model has one KV cache: the more urgent first, of equals the one that came first.
import { EngineError } from "./base/errors.ts";
import type { Urgency } from "./base/wire.ts";

/** Requests that may wait. More than that is a caller in a loop. */
const MOST_WAITING = 64;

/** Who goes first. */
const RANKS: Readonly<Record<Urgency, number>> = { person: 0, widget: 1, background: 2 };

export interface EnterOptions {
  readonly signal?: AbortSignal | undefined;
  readonly urgency?: Urgency;
  /** Before those that are as urgent: for one that was interrupted. */
  readonly first?: boolean;
}

interface Waiter {
  readonly rank: number;
  admit(): void;
}

/** A lock whose waiters are served by urgency. */
export class Queue {
  private readonly waiting: Waiter[] = [];
  private taken = false;

  /**
   * Waits for its turn and gives the function that ends it; calling that again does nothing.
   * Throws `aborted` when the signal fires first, `busy` when too many wait already.
   */
  enter({ signal, urgency = "person", first = false }: EnterOptions = {}): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(stoppedWaiting());
    if (!this.taken) {
      this.taken = true;
      return Promise.resolve(this.exit());
    }
    if (this.waiting.length >= MOST_WAITING && !first) {
      const message = `${this.waiting.length} requests are waiting for this model already.`;
      return Promise.reject(new EngineError("busy", message, "Wait for some of them, or stop them."));
    }
    return new Promise((resolve, reject) => {
      const rank = RANKS[urgency];
      const admit = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve(this.exit());
      };
      const waiter = { rank, admit };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(stoppedWaiting());
      };
      signal?.addEventListener("abort", leave, { once: true });
      const behind = this.waiting.findIndex((other) => (first ? other.rank >= rank : other.rank > rank));
      this.waiting.splice(behind < 0 ? this.waiting.length : behind, 0, waiter);
    });
  }

  /** Who waits that one of this urgency makes way for: at once for the more urgent, in time for the equally urgent; null for nobody. */
  ahead(urgency: Urgency): "more urgent" | "equal" | null {
    const [next] = this.waiting;
    if (!next || next.rank > RANKS[urgency]) return null;
    return next.rank < RANKS[urgency] ? "more urgent" : "equal";
  }

  private exit(): () => void {
    let done = false;
    return () => {
      if (done) return;
      done = true;
      const next = this.waiting.shift();
      if (next) next.admit();
      else this.taken = false;
    };
  }
}

function stoppedWaiting(): EngineError {
  return new EngineError("aborted", "Stopped while waiting for its turn.");
}
