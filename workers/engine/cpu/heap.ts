// Memory behind what was laid out in a bank: blocks are taken and given back while a model is in use.
import { EngineError } from "../base/errors.ts";
import { PAGE_BYTES } from "./arena.ts";

/** A piece of a bank. */
export interface Block {
  readonly at: number;
  readonly bytes: number;
}

/** Blocks from `end` on, in a memory that grows as they are taken. It never shrinks: WASM memories cannot. */
export class Heap {
  private free: Block[] = [];

  constructor(
    private readonly memory: WebAssembly.Memory,
    private end: number,
  ) {}

  /** A block of at least so many bytes, on a cache line of its own. Throws `out_of_memory`. */
  take(bytes: number): Block {
    const size = Math.ceil(bytes / 64) * 64;
    const found = this.free.find((block) => block.bytes >= size);
    if (found) {
      this.free = this.free.filter((block) => block !== found);
      if (found.bytes > size) this.free.push({ at: found.at + size, bytes: found.bytes - size });
      return { at: found.at, bytes: size };
    }
    const missing = this.end + size - this.memory.buffer.byteLength;
    try {
      if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch {
      const megabytes = (size / 2 ** 20).toFixed(1);
      throw new EngineError(
        "out_of_memory",
        `The browser refused ${megabytes} MB more of memory beside the model.`,
        "Unload other adapters, close other tabs, or choose a smaller model.",
      );
    }
    this.end += size;
    return { at: this.end - size, bytes: size };
  }

  /** Takes a block back, and joins it with its neighbours. */
  give(block: Block): void {
    const before = this.free.find(({ at, bytes }) => at + bytes === block.at);
    const after = this.free.find(({ at }) => at === block.at + block.bytes);
    this.free = this.free.filter((other) => other !== before && other !== after);
    const at = before?.at ?? block.at;
    const end = after ? after.at + after.bytes : block.at + block.bytes;
    if (end === this.end) this.end = at;
    else this.free.push({ at, bytes: end - at });
  }
}
