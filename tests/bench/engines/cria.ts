// Cria, through the library that other pages import: the finished build in dist/.
import type * as Library from "../../../web/api/cria.ts";
import type { Answer, Engine, Loaded, Prompt, Setup } from "./engine.ts";

/** The build's cria.js. */
export class CriaEngine implements Engine {
  private cria: Library.Cria | null = null;

  async load({ model, backend, contextLength }: Setup): Promise<Loaded> {
    const { load } = (await import(/* @vite-ignore */ new URL("/dist/cria.js", location.href).href)) as typeof Library;
    this.cria = await load({ model: new URL(model, location.href).href, backend, contextLength });
    return { threads: this.cria.info.threads, level: this.cria.info.tier };
  }

  async complete(prompt: Prompt, tokens: number): Promise<Answer> {
    const request = { prompt: prompt.ids, max_tokens: tokens, temperature: 0, ignore_eos: true, speculate: false };
    const { choices, usage } = await this.cria!.completions.create(request);
    return {
      text: choices[0].text,
      promptTokens: usage!.prompt_tokens,
      cachedTokens: usage!.prompt_tokens_details.cached_tokens,
      completionTokens: usage!.completion_tokens,
    };
  }

  async unload(): Promise<void> {
    await this.cria?.unload();
    this.cria = null;
  }
}
