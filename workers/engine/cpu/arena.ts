// Addresses in a bank, handed out before there is a memory: so the memory can be made of exactly that size.
import { EngineError } from "../base/errors.ts";
import { C_END } from "./assembly/words.ts";

export const PAGE_BYTES = 65536;

/** A bump allocator over the addresses of one bank. */
export class Arena {
  private end = C_END;

  /** An address of so many bytes, on a cache line of its own. */
  take(bytes: number): number {
    const at = this.end;
    this.end = at + Math.ceil(bytes / 64) * 64;
    return at;
  }

  /** Bytes handed out. */
  get sizeBytes(): number {
    return this.end;
  }
}

/**
 * A WASM memory of at least so many bytes, that may grow by `extraBytes`, and by `wishedBytes` more where the browser allows it.
 * Throws `out_of_memory`.
 */
export function makeMemory(bytes: number, extraBytes: number, wishedBytes: number, shared: boolean): WebAssembly.Memory {
  const initial = Math.ceil(bytes / PAGE_BYTES);
  const maximum = (extra: number): number => Math.min(65536, initial + Math.ceil(extra / PAGE_BYTES));
  try {
    return new WebAssembly.Memory({ initial, maximum: maximum(extraBytes + wishedBytes), shared });
  } catch {
    // Some reserve the maximum at once.
  }
  try {
    return new WebAssembly.Memory({ initial, maximum: maximum(extraBytes), shared });
  } catch {
    throw new EngineError(
      "out_of_memory",
      `The browser refused ${(bytes / 2 ** 20).toFixed(0)} MB of memory for this model.`,
      "Close other tabs, choose a smaller model or a shorter context.",
    );
  }
}
