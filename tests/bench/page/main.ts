// The page all engines run in. The benchmark calls it by name; the clock is here, beside the engine's caller.
import { CriaEngine } from "../engines/cria.ts";
import { type Answer, type Engine, type Loaded, type Prompt, type Setup, type Timed, timed } from "../engines/engine.ts";
import { OnnxRuntimeEngine } from "../engines/onnxruntime.ts";
import { WllamaEngine } from "../engines/wllama.ts";
import { gpuBandwidth, gpuDescription } from "./gpu-bandwidth.ts";
import { wasmBandwidth } from "./wasm-bandwidth.ts";

const engines: Record<string, Engine> = {
  Cria: new CriaEngine(),
  wllama: new WllamaEngine(),
  "onnxruntime-web": new OnnxRuntimeEngine(),
};

const bench = {
  load: (name: string, setup: Setup): Promise<Timed<Loaded>> => timed(() => engines[name]!.load(setup)),
  complete: (name: string, prompt: Prompt, tokens: number): Promise<Timed<Answer>> =>
    timed(() => engines[name]!.complete(prompt, tokens)),
  unload: (name: string): Promise<void> => engines[name]!.unload(),
  wasmBandwidth,
  gpuBandwidth,
  gpuDescription,
};

/** What the page offers to the benchmark. */
export type BenchPage = typeof bench;

declare global {
  interface Window {
    bench: BenchPage;
  }
}
window.bench = bench;
