// A request's time with the model: it makes way between two tokens, and finds the KV cache afterwards as it left it.
import type { Urgency } from "./base/wire.ts";
import type { KvMemory } from "./memory.ts";
import type { Queue } from "./queue.ts";

/** Shortest time before one makes way for another that is as urgent. */
const SHARE_MS = 250;
/** Making way costs time: one works so many times longer than its last change took. */
const WORTH = 10;

export interface TurnOptions {
  readonly queue: Queue;
  readonly memory: KvMemory;
  readonly urgency: Urgency;
  readonly signal?: AbortSignal | undefined;
  now(): number;
}

export class Turn {
  private leave: () => void = () => undefined;
  private beganMs = 0;
  private changeMs = 0;
  private awayMs = 0;

  private constructor(private readonly options: TurnOptions) {}

  /** Waits for a turn. Throws `aborted`, `busy`. */
  static async begin(options: TurnOptions): Promise<Turn> {
    const turn = new Turn(options);
    turn.leave = await options.queue.enter(options);
    turn.beganMs = options.now();
    return turn;
  }

  /** True where another request is to go first. */
  get isWanted(): boolean {
    const { queue, urgency, now } = this.options;
    const ahead = queue.ahead(urgency);
    return ahead === "more urgent" || (ahead === "equal" && now() - this.beganMs >= Math.max(SHARE_MS, WORTH * this.changeMs));
  }

  /**
   * Makes way where another request is to go first, and waits for its next turn. True where it did: the cache holds what it held, logits of
   * before are gone. Throws `aborted`.
   */
  async pause(): Promise<boolean> {
    if (!this.isWanted) return false;
    const { queue, memory, urgency, signal, now } = this.options;
    const first = queue.ahead(urgency) === "more urgent";
    const beganMs = now();
    const kept = await memory.put();
    const putMs = now() - beganMs;
    this.leave();
    this.leave = await queue.enter({ signal, urgency, first });
    this.beganMs = now();
    await memory.bring(kept, signal);
    this.changeMs = putMs + now() - this.beganMs;
    this.awayMs += now() - beganMs;
    this.beganMs = now();
    return true;
  }

  /** Milliseconds it made way since this was last asked. */
  takeAwayMs(): number {
    const { awayMs } = this;
    this.awayMs = 0;
    return awayMs;
  }

  /** Ends it. */
  end(): void {
    this.leave();
  }
}
