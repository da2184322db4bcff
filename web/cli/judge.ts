// A model in Node that can be asked: the engine on its WASM backend, under the library's surface as far as an evaluation needs it.
import { availableParallelism } from "node:os";
import { readdirSync, statSync } from "node:fs";
import { basename, join, sep } from "node:path";
import { wholeCompletion } from "../../workers/engine/answers.ts";
import type { Completion, CompletionRequest } from "../../workers/engine/base/openai.ts";
import { openEngine } from "../../workers/engine/engine.ts";
import type { Judge } from "../../workers/engine/evaluate/evaluate.ts";
import type { Host } from "../../workers/engine/base/host.ts";
import type { ByteSource } from "../../workers/engine/base/source.ts";
import { isGguf, readLoadable } from "../../workers/engine/loadable.ts";
import { onnxFolder } from "../../workers/engine/onnx/folder.ts";
import { fileSource } from "./file-source.ts";
import { nodeHost } from "./node-host.ts";

export interface JudgeOptions {
  /** Default: all processors. */
  readonly threads?: number;
  /** Positions to make room for; default 2048, or what the model was trained for where that is less. */
  readonly contextLength?: number;
}

/** Opens a GGUF file, or the folder of an ONNX model. Build the kernels first: `npm run kernels`. Throws what the engine throws. */
export async function openJudge(path: string, options: JudgeOptions = {}): Promise<Judge & { close(): Promise<void> }> {
  const { threads = availableParallelism(), contextLength = 2048 } = options;
  const source = sourceAt(path);
  const file = await readLoadable(source);
  const engine = await openEngine(host(threads), file, {
    id: basename(path),
    name: null,
    backend: "wasm",
    contextLength: Math.min(contextLength, (isGguf(file) ? file.model : file).shape.contextLength),
    defaults: null,
  });
  const author = { model: engine.info.id, bytesOf: (id: number) => engine.tokenizer.piece(id, { special: true }) };
  const create = (request: CompletionRequest): Promise<Completion> => wholeCompletion(author, engine.complete(request)());
  return {
    info: engine.info,
    tokenize: async (text, { bos = false, special = false } = {}) => engine.tokenize(text, { bos, special }),
    score: (request, { signal } = {}) => engine.score(request)(signal),
    completions: { create },
    close: () => engine.close(),
  };
}

function sourceAt(path: string): ByteSource {
  if (!statSync(path).isDirectory()) return fileSource(path);
  const files = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(path, name)).isFile());
  const named = files.map((name) => [name.split(sep).join("/"), fileSource(join(path, name))] as const);
  return onnxFolder(new Map(named), null, basename(path));
}

function host(threads: number): Host {
  const onnxRuntime: Host["onnxRuntime"] = async () => {
    const runtime = await import("onnxruntime-web");
    runtime.env.wasm.numThreads = threads;
    runtime.env.logLevel = "error";
    return runtime;
  };
  return { ...nodeHost({ threads }), onnxRuntime };
}
