// What a benchmark leaves: one record for each engine and work, in order.
import type { BackendName, EngineName } from "./engines/engine.ts";

export type WorkName =
  "prefill" | "decode" | "first token" | "load" | "memory" | "bandwidth" | "bandwidth share" | GpuCount | EnduranceWork;

/** What endurance.ts measures: a large model's first load, decoding beside a busy process and in a hidden tab, a page that has nothing to do. */
export type EnduranceWork =
  | "download"
  | "decode beside a busy process"
  | "speed kept beside it"
  | "decode while hidden"
  | "speed kept while hidden"
  | "processor while idle"
  | "processor while hidden and idle";

/** Calls per decoded token, counted by wrapping the WebGPU API. */
export const GPU_COUNTS = ["dispatches", "submits", "buffer writes", "objects created", "mappings"] as const;

export type GpuCount = (typeof GPU_COUNTS)[number];

/** One line of `--json`. */
export interface BenchRecord {
  /** "page" for what is measured of the page itself. */
  readonly engine: EngineName | "page";
  readonly backend: BackendName | "native";
  readonly model: string;
  readonly quant: string;
  readonly work: WorkName;
  /** Tokens of one repetition. */
  readonly tokens: number;
  /** Positions in the KV cache before. */
  readonly context: number;
  readonly threads: number;
  readonly level: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly unit: "tokens/s" | "ms" | "MiB" | "GB/s" | "%" | "per token" | "% of a core";
}

/** Median and range of some measurements. */
export function spread(values: readonly number[]): { median: number; min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** A number to three digits, for people. */
export function digits(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(value < 1 ? 2 : 3);
}
