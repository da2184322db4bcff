// wllama: llama.cpp compiled to WASM, with its WebGPU backend where that is asked for. Weights rest in its own cache (OPFS).
import type { Wllama } from "@wllama/wllama";
import type { Answer, Engine, Loaded, Prompt, Setup } from "./engine.ts";

const MODULE = "/packages/@wllama/wllama/esm/index.js";
const WASM = "/packages/@wllama/wllama/esm/wasm/wllama.wasm";

/** The figures llama.cpp's server adds to an answer. */
interface Timings {
  readonly cache_n: number;
  readonly prompt_n: number;
  readonly predicted_n: number;
}

/** The newest wllama, given all threads (its default is half of them). */
export class WllamaEngine implements Engine {
  private wllama: Wllama | null = null;

  async load({ model, backend, threads, contextLength }: Setup): Promise<Loaded> {
    const module = (await import(/* @vite-ignore */ MODULE)) as typeof import("@wllama/wllama");
    const wllama = new module.Wllama({ default: WASM }, { suppressNativeLog: true, logger: module.LoggerWithoutDebug });
    await wllama.loadModelFromUrl(model, {
      n_threads: threads,
      n_ctx: contextLength,
      n_parallel: 1,
      n_gpu_layers: backend === "webgpu" ? 99999 : 0,
    });
    this.wllama = wllama;
    return { threads: wllama.getNumThreads(), level: backend === "webgpu" ? "ggml-webgpu" : "simd128" };
  }

  async complete(prompt: Prompt, tokens: number): Promise<Answer> {
    const response = await this.wllama!.createCompletion({
      prompt: prompt.text,
      max_tokens: tokens,
      temperature: 0,
      ignore_eos: true,
    });
    const { cache_n, prompt_n, predicted_n }: Timings = response.timings!;
    return {
      text: response.choices[0]!.text,
      promptTokens: cache_n + prompt_n,
      cachedTokens: cache_n,
      completionTokens: predicted_n,
    };
  }

  async unload(): Promise<void> {
    await this.wllama?.exit();
    this.wllama = null;
  }
}
