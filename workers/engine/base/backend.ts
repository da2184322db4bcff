// What a backend offers to the model code. Two live here: gpu/ and cpu/.
import type { AdapterRack } from "./adapter.ts";
import type { Tensor } from "./model.ts";

/** How the next token is picked. Greedy where temperature is 0. */
export interface Sampling {
  readonly temperature: number;
  /** Keep the k best; 0 keeps all. */
  readonly topK: number;
  /** Keep the fewest best tokens whose probabilities reach p; 1 keeps all. */
  readonly topP: number;
  /** Drop tokens less than minP times as likely as the best; 0 keeps all. */
  readonly minP: number;
  /** Positive logits of recent tokens are divided by it, negative ones multiplied; 1 does nothing. */
  readonly repeatPenalty: number;
  /** How many of the last tokens the penalty looks at. */
  readonly repeatWindow: number;
  /** 32-bit seed; the number of a token is random(seed, position). */
  readonly seed: number;
}

/** Form of keys and values in the KV cache of a GPU: half floats, or bytes with a scale for each 32, which take half the memory. */
export type CacheType = "f16" | "int8";

/** What a person may want to know of where the model runs. */
export interface BackendInfo {
  readonly backend: "webgpu" | "wasm";
  /** "T2" of a GPU, or the instruction level of the CPU kernels. */
  readonly tier: string;
  /** Why this tier and no higher one, for people. */
  readonly reason: string;
  /** Compute threads; 0 on a GPU. */
  readonly threads: number;
  /** Bytes of weights read for one token. */
  readonly weightBytesPerToken: number;
  /** Bytes of weights, as stored, that are read anew for each pass, as memory has no room for them; a prompt's chunk shares a pass. */
  readonly streamedBytes?: number;
  /** GPU or WASM memory held, weights, cache and buffers together. */
  readonly memoryBytes: number;
}

/** Reads and writes the KV cache of one model. */
export interface Snapshots {
  /** Form of the bytes: a snapshot is good for a cache of the same model and the same form. */
  readonly form: string;
  /** Bytes of one position, all layers together. */
  readonly positionBytes: number;
  /** Keys and values of `count` positions from `first` on, in an order of the backend's own: they are put back as a whole. */
  read(first: number, count: number): Promise<Uint8Array>;
  /** Puts back what one `read` gave: bytes.length / positionBytes positions from `first` on. */
  write(first: number, bytes: Uint8Array): Promise<void>;
}

/** A request to decode on the device without a round trip for each token. */
export interface DeviceDecode {
  /** Position of the first token to be picked, from the logits the last `forward` left. */
  readonly at: number;
  /** At most so many tokens. */
  readonly limit: number;
  readonly sampling: Sampling;
  /** Tokens before `at`, newest last, that the repetition penalty looks at beside those it picks. */
  readonly recent: readonly number[];
  /** Tokens that end the text; picked ones are yielded, nothing after them. */
  readonly endIds: readonly number[];
  /** Looked at between submits. */
  stopped(): boolean;
}

/** Weights and KV cache of one model in one kind of memory, and the power to run it. */
export interface Backend {
  readonly info: BackendInfo;
  /** Positions the KV cache has room for. */
  readonly contextLength: number;
  /** Most tokens one `forward` takes. */
  readonly chunk: number;
  /** Rows that are written together: firstRow of every `write` is a multiple of it. */
  readonly rowGroup: number;
  /**
   * Takes whole rows of a tensor, as GGUF bytes, in any order of tensors, each row once. The bytes belong to the caller
   * again when the promise resolves.
   */
  write(tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void>;
  /** All weights are written: compiles, tests itself, warms up. Throws `out_of_memory`, `gpu_lost`, `no_gpu`. */
  ready(): Promise<void>;
  /**
   * Runs tokens at positions at, at + 1, …: their keys and values go to the cache, where `at` earlier positions are valid.
   * Gives logits [rows, vocab] of no, the last, or all of these tokens; the array is valid until the next call.
   * tokens.length is 1 to `chunk`; a batch of up to 8 costs little more than one. `signal` is looked at between segments.
   */
  forward(tokens: Uint32Array, at: number, logits: "none" | "last" | "all", signal?: AbortSignal): Promise<Float32Array>;
  /**
   * Picks and runs tokens on the device, yielding runs of them as they become known. When it ends, the cache holds every
   * yielded token but perhaps the last. Null where picking is left to the caller.
   */
  readonly decode: ((request: DeviceDecode) => AsyncGenerator<Uint32Array, void>) | null;
  /**
   * Hidden states [rows, dim] after the last layer, before the last norm, of tokens run as `forward` runs them; the array is
   * valid until the next call. Null where the states can't be had.
   */
  readonly hidden: ((tokens: Uint32Array, at: number, signal?: AbortSignal) => Promise<Float32Array>) | null;
  /** Keys and values as bytes, to keep and to bring back; null where they can't be had. */
  readonly snapshots: Snapshots | null;
  /** Adapters beside the weights; null where there is no room for any. */
  readonly adapters: AdapterRack | null;
  dispose(): void;
}

/** What is left of a backend once its weights are in it: it runs tokens. ONNX graphs, which bring their own, are this much. */
export type Runner = Omit<Backend, "write" | "ready" | "rowGroup">;
