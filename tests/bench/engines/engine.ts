// What the benchmark asks of an engine, in a page or in Node. All engines get the same requests, and the caller holds the clock.

/** The names of the engines, in the order of the table's columns. */
export const ENGINES = ["Cria", "wllama", "onnxruntime-web", "llama.cpp"] as const;

export type EngineName = (typeof ENGINES)[number];

export type BackendName = "wasm" | "webgpu";

/** The numbers of a model that an engine without its file needs: products of these shapes. */
export interface Shape {
  readonly layers: number;
  readonly dim: number;
  readonly ffnDim: number;
  readonly kvDim: number;
  readonly vocab: number;
  /** Bits of a weight, 4 or 8. */
  readonly bits: number;
}

/** A model to load. */
export interface Setup {
  /** URL for an engine in a page, path for one in Node. */
  readonly model: string;
  readonly backend: BackendName;
  readonly threads: number;
  /** Positions to make room for. */
  readonly contextLength: number;
  readonly shape: Shape;
}

/** What an engine says of itself once loaded. */
export interface Loaded {
  /** Compute threads; 0 on a GPU. */
  readonly threads: number;
  /** Instruction level or GPU tier, in the engine's words. */
  readonly level: string;
}

/** The same prompt for engines that take ids and for those that take text. */
export interface Prompt {
  readonly ids: readonly number[];
  readonly text: string;
}

/** What came of a request. */
export interface Answer {
  readonly text: string;
  readonly promptTokens: number;
  /** Tokens of the prompt that were still in the KV cache. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** A language model, or its bare products. */
export interface Engine {
  /** Loads from where the engine keeps its weights: the first call may download. */
  load(setup: Setup): Promise<Loaded>;
  /** Continues greedily by exactly `tokens` tokens, end of text or not. What the KV cache holds of the prompt is not read again. */
  complete(prompt: Prompt, tokens: number): Promise<Answer>;
  unload(): Promise<void>;
}

/** A result and how long it took, as its caller saw it. */
export interface Timed<T> {
  readonly value: T;
  readonly milliseconds: number;
}

/** Takes the time of a piece of work. */
export async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const start = performance.now();
  const value = await work();
  return { value, milliseconds: performance.now() - start };
}
