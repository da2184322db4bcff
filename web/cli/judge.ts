// A model in Node that can be asked: the engine on its WASM backend, under the library's surface as far as an evaluation needs it.
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { wholeCompletion } from "../../workers/engine/answers.ts";
import type { CompletionRequest } from "../../workers/engine/base/openai.ts";
import { openEngine } from "../../workers/engine/engine.ts";
import type { Judge } from "../../workers/engine/evaluate/evaluate.ts";
import { readModelFile } from "../../workers/engine/model-file.ts";
import { fileSource } from "./file-source.ts";
import { nodeHost } from "./node-host.ts";

export interface JudgeOptions {
  /** Default: all processors. */
  readonly threads?: number;
  /** Positions to make room for; default 2048, or what the model was trained for where that is less. */
  readonly contextLength?: number;
}

/** Opens a GGUF file. Build the kernels first: `npm run kernels`. Throws what the engine throws. */
export async function openJudge(path: string, options: JudgeOptions = {}): Promise<Judge & { close(): Promise<void> }> {
  const { threads = availableParallelism(), contextLength = 2048 } = options;
  const source = fileSource(path);
  const file = await readModelFile(source);
  const engine = await openEngine(nodeHost({ threads }), file, {
    id: basename(path),
    name: null,
    backend: "wasm",
    contextLength: Math.min(contextLength, file.model.shape.contextLength),
    defaults: null,
  });
  source.close();
  const author = { model: engine.info.id, bytesOf: (id: number) => engine.tokenizer.piece(id, { special: true }) };
  const create = (request: CompletionRequest): Promise<never> =>
    wholeCompletion(author, engine.complete(request)()) as Promise<never>;
  return {
    info: engine.info,
    tokenize: async (text, { bos = false, special = false } = {}) => engine.tokenize(text, { bos, special }),
    score: (request, { signal } = {}) => engine.score(request)(signal),
    completions: { create },
    close: () => engine.close(),
  };
}
