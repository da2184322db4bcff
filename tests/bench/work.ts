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

/** Tokens of the prompt whose answer's first token is waited for. */
export const FIRST_TOKEN_PROMPT = 32;

/** A context is not filled where that would take longer, unless --full is given. */
export const LONGEST_FILL_MS = 4 * 60_000;

const CONTEXTS = [0, 1024, 4096];
const SMALL = 200e6; // parameters

/** Repetitions whose median counts. */
export function repetitionsOf(scope: Scope): number {
  return scope === "quick" ? 3 : 5;
}

/** Engines that can run on a backend, and native llama.cpp, which is measured beside them on the processor. */
export function enginesOf(backend: BackendName): EngineName[] {
  return backend === "wasm" ? ["Cria", "wllama", "onnxruntime-web", "llama.cpp"] : ["Cria", "wllama", "onnxruntime-web"];
}

/** What an engine is asked to do. `software` says that the GPU is the processor in disguise. */
export function planFor(engine: EngineName, model: BenchModel, scope: Scope, software: boolean): Plan {
  const plan = scope === "quick" ? { prefill: 64, decode: 16, contexts: [0] } : { prefill: 512, decode: 128, contexts: CONTEXTS };
  if (engine === "onnxruntime-web") {
    // Products alone do not know a context; a token of theirs shows all there is to see.
    return { prefill: scope === "full" ? 512 : 64, decode: 4, contexts: [0] };
  }
  if (scope === "full" || scope === "quick") return plan;
  if (software) return { prefill: 64, decode: 16, contexts: [0] };
  const large = model.parameters > SMALL;
  if (engine === "Cria") return large && model.parameters > 2e9 ? { ...plan, contexts: [0, 1024] } : plan;
  if (large)
    return { prefill: 64, decode: 32, contexts: engine === "wllama" ? [0] : model.parameters > 2e9 ? [0, 1024] : CONTEXTS };
  // A long context of one 135M file tells those of the others.
  return engine === "wllama" && model.quant !== "Q4_1" ? { ...plan, contexts: [0] } : plan;
}
