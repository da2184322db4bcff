// What crosses between a page and the engine's worker. Plain data only: comlink carries nothing else faithfully.
import type { BackendInfo, Sampling } from "./backend.ts";
import type { Shape } from "./model.ts";

export type BackendChoice = "auto" | "webgpu" | "wasm";

/** Where a model comes from: a catalogue id, a URL, or a file the user picked. */
export type ModelSource = string | File;

export interface LoadRequest {
  readonly model: ModelSource;
  readonly backend: BackendChoice;
  /** Positions to make room for; null takes what the model was trained for, as far as memory allows. */
  readonly contextLength: number | null;
}

/** How far loading is. Phases come in this order; a phase that is not needed is left out. */
export interface LoadProgress {
  readonly phase: "header" | "download" | "load" | "prepare";
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Download speed of the last seconds; 0 where nothing is downloaded. */
  readonly bytesPerSecond: number;
}

/** What is known of a model before it is loaded: from the first bytes of its file and the store. */
export interface ModelPreview {
  /** Key of the model in the store. */
  readonly id: string;
  /** general.name of the file, else the file's name. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Bytes already in the store. */
  readonly storedBytes: number;
  /** Free storage as the browser estimates it; null where it doesn't say. */
  readonly freeBytes: number | null;
  /** How often in a row the tab died while this model was loading or running. */
  readonly crashes: number;
  /** What its makers or we recommend; null where nothing is known. */
  readonly defaults: ModelDefaults | null;
}

/** System prompt and sampling a model answers best with. */
export interface ModelDefaults {
  /** Empty for none. */
  readonly system: string;
  readonly sampling: Partial<Omit<Sampling, "seed">>;
}

/** A line of public/catalogue.json. */
export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  /** Where the file is, first to last to try; relative ones belong to the app's own origin. */
  readonly urls: readonly string[];
  readonly sizeBytes: number;
  /** Lower-case hex, where it is published. */
  readonly sha256: string | null;
  readonly quantization: string;
  readonly parameters: number;
  readonly licence: string;
  /** The page that tells more of the model. */
  readonly homepage: string;
  readonly defaults: ModelDefaults | null;
}

/** A model in the store. */
export interface StoredModel {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly storedBytes: number;
}

/** A loaded model. */
export interface ModelInfo extends BackendInfo {
  readonly id: string;
  readonly name: string;
  /** "Q4_1": the type of most of the weights. */
  readonly quantization: string;
  readonly parameters: number;
  readonly sizeBytes: number;
  readonly shape: Shape;
  /** Positions there is room for. */
  readonly contextLength: number;
  /** "the file's own template" and the like: how messages become a prompt. */
  readonly template: string;
}

/** Times of the last request, and what is held. */
export interface Stats {
  readonly load: { readonly bytes: number; readonly milliseconds: number };
  readonly prefill: { readonly tokens: number; readonly cachedTokens: number; readonly milliseconds: number };
  readonly decode: { readonly tokens: number; readonly milliseconds: number };
  readonly gpuBytes: number;
  readonly wasmBytes: number;
}
