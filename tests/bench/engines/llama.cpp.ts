// llama.cpp as a native program, by node-llama-cpp: no browser, every instruction the processor has. The mark to be measured by.
import {
  getLlama,
  LlamaLogLevel,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaModel,
  type Token,
} from "node-llama-cpp";
import type { Answer, Engine, Loaded, Prompt, Setup } from "./engine.ts";

/** llama.cpp on the processor, prebuilt, in this process. */
export class LlamaCppEngine implements Engine {
  private model: LlamaModel | null = null;
  private context: LlamaContext | null = null;
  private sequence: LlamaContextSequence | null = null;

  async load({ model, threads, contextLength }: Setup): Promise<Loaded> {
    const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error });
    this.model = await llama.loadModel({ modelPath: model });
    this.context = await this.model.createContext({ contextSize: contextLength, batchSize: 512, threads });
    this.sequence = this.context.getSequence();
    return { threads, level: "native" };
  }

  async complete({ ids }: Prompt, tokens: number): Promise<Answer> {
    const sequence = this.sequence!;
    const held = sequence.contextTokens;
    let cached = 0;
    while (cached < ids.length - 1 && held[cached] === ids[cached]) cached++;
    await sequence.eraseContextTokenRanges([{ start: cached, end: held.length }]);
    const answer: Token[] = [];
    for await (const token of sequence.evaluate(ids.slice(cached) as Token[], { temperature: 0, yieldEogToken: true })) {
      answer.push(token);
      if (answer.length === tokens) break;
    }
    const text = this.model!.detokenize(answer, true);
    return { text, promptTokens: ids.length, cachedTokens: cached, completionTokens: answer.length };
  }

  /** Ids of a text, the start token first where the model wants one. */
  tokenize(text: string): number[] {
    const { bos, shouldPrependBosToken } = this.model!.tokens;
    return [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...this.model!.tokenize(text)];
  }

  /** The text of ids, without that of a start token. */
  detokenize(ids: readonly number[]): string {
    return this.model!.detokenize(ids as Token[]);
  }

  async unload(): Promise<void> {
    await this.context?.dispose();
    await this.model?.dispose();
    this.context = this.model = this.sequence = null;
  }
}
