// Layers that memory has no room for: read from the store into two slots in turn, each while the one before it is computed.
import type { Backend } from "../base/backend.ts";
import { EngineError } from "../base/errors.ts";
import type { Tensor } from "../base/model.ts";

/** What takes rows. */
type Sink = Pick<Backend, "rowGroup" | "write">;

/** Reads tensors and writes their rows, in groups as they are wanted. Throws what reading and writing throw, and `aborted`. */
export type Bring = (tensors: readonly Tensor[], sink: Sink, signal: AbortSignal) => Promise<void>;

/** What a slot holds, or will hold once `filled`. */
interface Slot {
  layer: number;
  filled: Promise<void>;
  stop: AbortController;
}

/** The layers of a pass, an even number of them, numbered in their order: even ones in the first slot, odd ones in the second. */
export class LayerStream {
  private readonly slots: [Slot, Slot];
  /** Bytes come one layer after the other: two at once would both be late. */
  private line: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(
    private readonly layers: readonly (readonly Tensor[])[],
    private readonly bring: Bring,
    private readonly sink: Sink,
  ) {
    const empty = (): Slot => ({ layer: -1, filled: Promise.resolve(), stop: new AbortController() });
    this.slots = [empty(), empty()];
  }

  /** Resolves when a layer is in its slot. Throws what reading throws, and `aborted`; the next call tries again. */
  async need(layer: number, signal: AbortSignal | undefined): Promise<void> {
    const { filled } = this.fetch(layer);
    this.fetch((layer + 1) % this.layers.length);
    await (signal ? Promise.race([filled, aborted(signal)]) : filled);
  }

  /** A layer was computed: its slot takes the next one of its turn. */
  release(layer: number): void {
    this.fetch((layer + 2) % this.layers.length);
  }

  /** Reads no more. */
  end(): void {
    this.ended = true;
    for (const { stop } of this.slots) stop.abort();
  }

  private fetch(layer: number): Slot {
    const slot = this.slots[layer % 2]!;
    if (slot.layer === layer || this.ended) return slot;
    slot.stop.abort(); // of a pass that was given up
    const stop = new AbortController();
    const before = this.line;
    const fill = async (): Promise<void> => {
      await before;
      if (stop.signal.aborted) throw new EngineError("aborted", "Stopped.");
      await this.bring(this.layers[layer]!, this.sinkUntil(stop.signal), stop.signal);
    };
    Object.assign(slot, { layer, stop, filled: fill() });
    this.line = slot.filled.catch(() => {
      if (slot.stop === stop) slot.layer = -1;
    });
    return slot;
  }

  /** Rows that come after their slot was given to another layer are too late. */
  private sinkUntil(signal: AbortSignal): Sink {
    const { rowGroup } = this.sink;
    const write: Sink["write"] = async (...rows) => {
      if (signal.aborted) throw new EngineError("aborted", "Stopped.");
      return this.sink.write(...rows);
    };
    return { rowGroup, write };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const stopped = (): EngineError => new EngineError("aborted", "Stopped.");
  return new Promise((_, reject) => {
    if (signal.aborted) reject(stopped());
    else signal.addEventListener("abort", () => reject(stopped()), { once: true });
  });
}
