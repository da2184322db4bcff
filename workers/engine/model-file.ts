// A model file as far as it is known without its weights: what it is, how it speaks, what has to be computed.
import type { QuantName } from "../../shaders/quant/index.ts";
import type { Model } from "./base/model.ts";
import type { ByteSource } from "./base/source.ts";
import { createTemplate, type Template } from "./chat/template.ts";
import { readGguf, type Gguf } from "./gguf/read.ts";
import { describe } from "./model/describe.ts";
import { createTokenizer, type Tokenizer } from "./text/tokenizer.ts";

/** Everything in a file but its weights. */
export interface ModelFile {
  readonly source: ByteSource;
  /** general.name, else the name of the file. */
  readonly name: string;
  readonly gguf: Gguf;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly template: Template;
  /** Number of weights, those used twice counted once. */
  readonly parameters: number;
  /** The type of most of the weights. */
  readonly quantization: QuantName;
}

/**
 * Reads the header of a file and makes sure that we can run what is in it. Throws as `readGguf`, and `unsupported_architecture`,
 * `unsupported_tokenizer`.
 */
export async function readModelFile(source: ByteSource, signal?: AbortSignal): Promise<ModelFile> {
  const gguf = await readGguf(source, signal);
  const model = await describe(gguf, source, signal);
  const tokenizer = createTokenizer(gguf.metadata);
  return {
    source,
    name: gguf.metadata.text("general.name") ?? source.name,
    gguf,
    model,
    tokenizer,
    template: createTemplate(gguf.metadata, tokenizer, source.name),
    parameters: [...gguf.tensors.values()].reduce((sum, { rows, cols }) => sum + rows * cols, 0),
    quantization: mostUsed(gguf),
  };
}

function mostUsed(gguf: Gguf): QuantName {
  const weights = new Map<QuantName, number>();
  for (const { type, rows, cols } of gguf.tensors.values()) weights.set(type, (weights.get(type) ?? 0) + rows * cols);
  return [...weights].reduce((most, entry) => (entry[1] > most[1] ? entry : most), ["F32", 0] as [QuantName, number])[0];
}
