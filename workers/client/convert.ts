// The page's side of conversions: look at a model's files, and turn them into a stored GGUF model.
import { transfer } from "comlink";
import { connectStore } from "./workers.ts";
import type { CheckpointPreview, CheckpointRequest, Conversion, ConversionRequest } from "../engine/base/conversion.ts";
import type { StoreProgress } from "../engine/base/storage.ts";

export interface ConvertOptions {
  readonly onProgress?: (progress: StoreProgress) => void;
  /** Stops it. What was written stays: the same request goes on there. */
  readonly signal?: AbortSignal;
}

/** What is optional in a conversion. */
type Optional = "base" | "recipe" | "promptFormat" | "contextLength";

/** Looks at files of Meta's, Hugging Face's or EasyLM's making. Reads headers and vocabularies, no weights. Rejects with `EngineError`s. */
export async function inspectCheckpoint(
  request: Omit<CheckpointRequest, "base" | "recipe"> & Partial<CheckpointRequest>,
  signal?: AbortSignal,
): Promise<CheckpointPreview> {
  const wire = connectStore();
  const job = wire.openJob(signal);
  try {
    return await wire.ask((api) => api.inspect(job.id, { base: null, recipe: null, ...request }));
  } finally {
    job.done();
  }
}

/**
 * Converts a model into the store, where `load` finds it by `model.id`; `exportModel` hands it out as a GGUF file. Works beside a chat.
 * Rejects with `EngineError`s, with `aborted` when `signal` fires.
 */
export async function convertCheckpoint(
  request: Omit<ConversionRequest, Optional> & Partial<ConversionRequest>,
  { onProgress, signal }: ConvertOptions = {},
): Promise<Conversion> {
  const wire = connectStore();
  const job = wire.openJob(signal);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<StoreProgress>) => onProgress?.(data);
  const whole = { base: null, recipe: null, promptFormat: null, contextLength: null, ...request };
  try {
    return await wire.ask((api) => api.convert(job.id, whole, transfer(port2, [port2])));
  } finally {
    port1.close();
    job.done();
  }
}
