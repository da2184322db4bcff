// A conversation's place in the KV cache: which tokens are in it, and what still has to be read.
import type { AdapterRack } from "../base/adapter.ts";
import type { BackendInfo, DeviceDecode, Runner, Snapshots } from "../base/backend.ts";
import { assert, EngineError } from "../base/errors.ts";
import type { Shape } from "../base/model.ts";
import { KeptRack } from "./kept-rack.ts";

export interface PrefillOptions {
  readonly signal?: AbortSignal | undefined;
  /** Tokens read so far, cached ones included, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /**
   * Asks for the logits of every position: called in order with the first position of a batch and its logits [rows, vocab],
   * valid during the call. These positions are not taken from the cache.
   */
  readonly onLogits?: ((position: number, logits: Float32Array) => void) | undefined;
  /** Called between batches. What it does to the cache, it undoes. */
  readonly pause?: (() => Promise<unknown>) | undefined;
  /** First position that `onLogits` is called for; what stands before it may come from the cache. Default 0. */
  readonly logitsFrom?: number;
}

export interface Prefilled {
  /** Logits [vocab] of the last token; valid until the next call. */
  readonly logits: Float32Array;
  /** Tokens that were in the cache already. */
  readonly cachedTokens: number;
}

/** Keys and values as bytes. */
export interface SessionSnapshots extends Pick<Snapshots, "form" | "positionBytes" | "read"> {
  /** Makes the cache hold `tokens`, whose first `first` it holds already; the bytes are those of the rest. */
  restore(tokens: readonly number[], first: number, bytes: Uint8Array): Promise<void>;
}

/** A model that reads and predicts tokens. LLaMA files and ONNX graphs both offer this. */
export interface Session {
  readonly info: BackendInfo;
  readonly shape: Shape;
  /** Positions there is room for. */
  readonly contextLength: number;
  /** Tokens whose keys and values are in the cache. */
  readonly cached: readonly number[];
  /** Makes the cache hold these tokens, at least one, reusing what agrees from the start. Throws `context_full`, `aborted`. */
  prefill(tokens: readonly number[], options?: PrefillOptions): Promise<Prefilled>;
  /** Reads 1 to 8 tokens after the cached ones. Logits [rows, vocab] of the last or of all; valid until the next call. Throws `context_full`. */
  append(tokens: readonly number[], logits: "last" | "all"): Promise<Float32Array>;
  /** Forgets positions from `length` on. */
  truncate(length: number): void;
  /** Picks tokens on the device from the logits the last call left; `at` is cached.length. Null where the caller picks. */
  readonly decode: ((request: Omit<DeviceDecode, "at">) => AsyncGenerator<Uint32Array, void>) | null;
  /**
   * Reads tokens from the start and hands over their hidden states [rows, dim] before the last norm, batch by batch, each valid during
   * the call. Null where they can't be had. Throws `context_full`, `aborted`.
   */
  readonly hidden:
    ((tokens: readonly number[], take: (states: Float32Array) => void, signal?: AbortSignal) => Promise<void>) | null;
  /** Adapters beside the weights; null where there is no room for any. What was read under one choice is forgotten under another. */
  readonly adapters: AdapterRack | null;
  /** Keys and values of the cached tokens, to keep and to bring back; null where they can't be had. */
  readonly snapshots: SessionSnapshots | null;
  dispose(): void;
}

/** A session over one of our own backends. It owns the backend. */
export class BackendSession implements Session {
  readonly decode: Session["decode"];
  readonly hidden: Session["hidden"];
  readonly adapters: KeptRack | null;
  readonly snapshots: SessionSnapshots | null;
  private tokens: number[] = [];
  private disposed = false;

  constructor(
    private readonly backend: Runner,
    readonly shape: Shape,
  ) {
    this.decode = backend.decode ? (request) => this.decodeOnDevice(request) : null;
    this.hidden = backend.hidden ? (tokens, take, signal) => this.readStates(tokens, take, signal) : null;
    this.snapshots = backend.snapshots && this.snapshotsOf(backend.snapshots);
    this.adapters = backend.adapters && new KeptRack(backend.adapters, () => this.truncate(0));
  }

  get info(): BackendInfo {
    return this.backend.info;
  }

  get contextLength(): number {
    return this.backend.contextLength;
  }

  get cached(): readonly number[] {
    return this.tokens;
  }

  async prefill(tokens: readonly number[], options: PrefillOptions = {}): Promise<Prefilled> {
    const { signal, onProgress, onLogits, pause, logitsFrom = 0 } = options;
    assert(tokens.length > 0, "A prompt has at least one token.");
    this.needRoom(tokens.length);
    // The last token is always read again: its logits are not kept.
    const reusable = onLogits ? Math.min(logitsFrom, tokens.length - 1) : tokens.length - 1;
    const cachedTokens = Math.min(commonPrefix(this.tokens, tokens), reusable);
    this.truncate(cachedTokens);
    let logits: Float32Array = new Float32Array(0);
    while (this.tokens.length < tokens.length) {
      const at = this.tokens.length;
      onProgress?.(at, tokens.length);
      const all = onLogits && at >= logitsFrom;
      const chunk = tokens.slice(at, onLogits && !all ? Math.min(at + this.backend.chunk, logitsFrom) : at + this.backend.chunk);
      const last = at + chunk.length === tokens.length;
      logits = await this.forward(chunk, all ? "all" : last ? "last" : "none", signal);
      if (all) onLogits(at, logits);
      if (!last) await pause?.();
    }
    onProgress?.(tokens.length, tokens.length);
    return { logits: logits.subarray(logits.length - this.shape.vocab), cachedTokens };
  }

  append(tokens: readonly number[], logits: "last" | "all"): Promise<Float32Array> {
    this.needRoom(this.tokens.length + tokens.length);
    return this.forward(tokens, logits);
  }

  truncate(length: number): void {
    this.tokens.length = Math.min(this.tokens.length, length);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.tokens = [];
    this.backend.dispose();
  }

  private snapshotsOf(snapshots: Snapshots): SessionSnapshots {
    const { form, positionBytes } = snapshots;
    return {
      form,
      positionBytes,
      read: (first, count) => snapshots.read(first, count),
      restore: async (tokens, first, bytes) => {
        this.needOpen();
        this.needRoom(tokens.length);
        assert(bytes.length === (tokens.length - first) * positionBytes, "A snapshot has the bytes of its tokens.");
        this.truncate(first);
        await snapshots.write(first, bytes);
        this.tokens = [...tokens];
      },
    };
  }

  private async forward(tokens: readonly number[], logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array> {
    this.needOpen();
    const at = this.tokens.length;
    const result = await this.backend.forward(Uint32Array.from(tokens), at, logits, signal);
    this.tokens.push(...tokens);
    return result;
  }

  private async readStates(tokens: readonly number[], take: (states: Float32Array) => void, signal?: AbortSignal): Promise<void> {
    this.needOpen();
    this.needRoom(tokens.length);
    this.truncate(0); // states of cached positions are gone
    while (this.tokens.length < tokens.length) {
      const at = this.tokens.length;
      const chunk = tokens.slice(at, at + this.backend.chunk);
      take(await this.backend.hidden!(Uint32Array.from(chunk), at, signal));
      this.tokens.push(...chunk);
    }
  }

  private async *decodeOnDevice(request: Omit<DeviceDecode, "at">): AsyncGenerator<Uint32Array, void> {
    const at = this.tokens.length;
    const limit = Math.min(request.limit, this.contextLength - at);
    try {
      for await (const run of this.backend.decode!({ ...request, at, limit })) {
        this.tokens.push(...run);
        yield run;
      }
    } finally {
      // The last token picked may not have been read yet.
      this.truncate(Math.max(at, this.tokens.length - 1));
    }
  }

  private needOpen(): void {
    if (this.disposed) throw new EngineError("disposed", "The model was unloaded.", "Load it again.");
  }

  private needRoom(length: number): void {
    if (length <= this.contextLength) return;
    throw new EngineError(
      "context_full",
      `${length} tokens do not fit in the context of ${this.contextLength}.`,
      "Drop the oldest turns, or start a new chat.",
    );
  }
}

/** How many tokens two texts begin with in common. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
