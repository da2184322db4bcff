// What is measured, of which engine, and how much of it: fast engines do everything, slow ones as much as shows their speed.
import type { BackendName, EngineName } from "./engines/engine.ts";
import type { BenchModel } from "./models.ts";

/** How much time may be spent. */
export type Scope = "quick" | "default" | "full";

/** One engine's share of work on one model. Tokens are those of one repetition. */
export interface Plan {
  readonly prefill: number;
  readonly decode: number;
  /** Tokens of context before decoding. */
  readonly contexts: readonly number[];
}

const CONTEXTS = [0, 1024, 4096];
const EVERYTHING: Plan = { prefill: 512, decode: 128, contexts: CONTEXTS };

/** Tokens of the prompt whose answer's first token is waited for: a question in a chat. */
export const FIRST_TOKEN_PROMPT = 64;

/** A context is not filled where that would take longer, unless --full is given. */
export const LONGEST_FILL_MS = 150_000;

/** Repetitions whose median counts. */
export function repetitionsOf(scope: Scope): number {
  return scope === "quick" ? 3 : 5;
}

/** Engines that can run on a backend, and native llama.cpp, which is measured beside them on the processor. */
export function enginesOf(backend: BackendName): EngineName[] {
  return backend === "wasm" ? ["Cria", "wllama", "onnxruntime-web", "llama.cpp"] : ["Cria", "wllama", "onnxruntime-web"];
}

/** Engines for WebGPU that have no column, and why. */
export const LEFT_OUT =
  "Left out: transformers.js and web-llm. Both run models converted beforehand (ONNX files; weights and kernels compiled by MLC), with " +
  "converters that npm does not have, so that none of these models can be built for them here. The bare products of onnxruntime-web " +
  "stand for the former, which runs on it.";

/** What an engine is asked to do. `software` says that the GPU is the processor in disguise. */
export function planFor(engine: EngineName, model: BenchModel, scope: Scope, software: boolean): Plan {
  // Bare products know no context, and one token of them is like the next.
  if (engine === "onnxruntime-web") return { prefill: scope === "full" ? 512 : 64, decode: 4, contexts: [0] };
  if (scope === "full") return EVERYTHING;
  if (scope === "quick" || software) return { prefill: 64, decode: 16, contexts: [0] };
  const large = model.parameters > 2e9;
  const small = model.parameters < 200e6;
  if (engine === "Cria") return large ? { ...EVERYTHING, contexts: [0] } : EVERYTHING;
  if (engine === "llama.cpp") return small ? EVERYTHING : { prefill: 64, decode: 32, contexts: large ? [0] : CONTEXTS };
  // wllama, by minutes: one small file at 4 and one at 8 bits in full, long contexts with the former.
  if (large) return { prefill: 32, decode: 16, contexts: [0] };
  if (!small || model.quant === "Q4_0") return { prefill: 64, decode: 32, contexts: [0] };
  return model.quant === "Q4_1" ? EVERYTHING : { ...EVERYTHING, contexts: [0] };
}
