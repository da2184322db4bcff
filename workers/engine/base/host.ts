// What the engine asks of the place it runs in. A Web Worker, a test in Node and a bench each build one.
import type { OnnxProvider, OnnxRuntime } from "./onnx.ts";

/** A compute thread: a worker that runs `cpu/thread.ts`. */
export interface Thread {
  postMessage(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  terminate(): void;
}

/** What a model has read of a conversation, in blocks by name. */
export interface KeptConversation {
  readonly conversation: string;
  /** Key of the model in the store. */
  readonly model: string;
  /** All its blocks, in order. */
  readonly names: readonly string[];
  readonly blockBytes: number;
}

/** Keeps keys and values of conversations between visits. A shortcut only: where it fails, nothing is found and nothing is kept. */
export interface SnapshotStore {
  /** Blocks in order, up to the first that is not there. */
  find(names: readonly string[]): Promise<Uint8Array[]>;
  /** Which of these are there. */
  known(names: readonly string[]): Promise<ReadonlySet<string>>;
  /** Keeps a conversation, of which `blocks` are new, in place of what was kept of it. */
  keep(conversation: KeptConversation, blocks: ReadonlyMap<string, Uint8Array>): Promise<void>;
}

/** The engine's only window on the outside. */
export interface Host {
  /** Entry point of WebGPU, null where there is none. */
  readonly gpu: GPU | null;
  /** Logical processors. */
  readonly cores: number;
  /** Memory of the device, as far as the place tells: browsers round it. Null where it doesn't. */
  readonly memoryBytes: number | null;
  /** True where a shared WebAssembly memory may be posted to another thread (cross-origin isolated). */
  readonly isolated: boolean;
  /** Milliseconds on a monotonic clock. */
  now(): number;
  /** The bytes of a built WASM file of `cpu/build/`, by file name: "relaxed16.shared.wasm". */
  kernelFile(name: string): Promise<BufferSource>;
  /** Fetches the runtime of ONNX models, set up for a provider; absent where none is at hand. */
  onnxRuntime?(provider: OnnxProvider): Promise<OnnxRuntime>;
  /** Starts a compute thread. Throws where threads are not allowed. */
  startThread(): Thread;
  /** Gives other tasks of this thread their turn: messages, stop requests. */
  breathe(): Promise<void>;
  /** Small facts worth keeping between visits (measured tiers, tuned sizes), by key; null where none is kept. */
  recall(key: string): Promise<unknown>;
  remember(key: string, fact: unknown): Promise<void>;
  /** Absent where nothing is kept between visits. */
  readonly snapshots?: SnapshotStore;
}
