// What is known of an ONNX model before its graph is opened: shape, vocabulary and prompts, from the files beside it.
import { EngineError } from "../base/errors.ts";
import type { Shape } from "../base/model.ts";
import type { ByteSource } from "../base/source.ts";
import { createTemplate, type Template } from "../chat/template.ts";
import type { Checkpoint, CheckpointConfig } from "../checkpoint/checkpoint.ts";
import { configOf } from "../checkpoint/config.ts";
import { readFields } from "../checkpoint/formats/json.ts";
import { readLanguage } from "../checkpoint/vocabulary/read.ts";
import { metadataOf } from "../convert/metadata.ts";
import { readGguf } from "../gguf/read.ts";
import { writeHead } from "../gguf/write.ts";
import { createTokenizer, type Tokenizer } from "../text/tokenizer.ts";
import type { OnnxFolder } from "./folder.ts";

/** Everything of an ONNX model but its graph. */
export interface OnnxFile {
  readonly source: OnnxFolder;
  readonly name: string;
  readonly shape: Shape;
  readonly tokenizer: Tokenizer;
  readonly template: Template;
  /** Number of weights that such a model has. */
  readonly parameters: number;
  /** As the graph's name has it: "Q4", "FP16"; "ONNX" where it says nothing. */
  readonly quantization: string;
}

/** Reads the files beside a graph. Throws `bad_request` where one is missing, `bad_file`, `unsupported_architecture`, `unsupported_tokenizer`. */
export async function readOnnxFile(source: OnnxFolder, signal?: AbortSignal): Promise<OnnxFile> {
  const { companions } = source;
  const file = companions.get("config.json");
  if (!file) throw missing("config.json");
  const fields = await readFields(file, signal);
  const config = configOf(fields);
  const { vocabulary, template } = await readLanguage(companions, fields, signal);
  if (!vocabulary) throw missing("tokenizer.json");
  const vocab = fields.number("vocab_size") ?? vocabulary.tokens.length;
  // The words of a GGUF file are what tokenizer and template read: the model is described as the header of one that has no tensors.
  const embedding = {
    name: "token_embd.weight",
    type: "F32",
    rows: vocab,
    cols: config.dim,
    read: () => Promise.reject(missing("the embedding")),
  } as const;
  const checkpoint: Checkpoint = {
    name: source.name,
    format: "ONNX",
    config,
    tensors: new Map([[embedding.name, embedding]]),
    vocabulary,
    template,
  };
  const { bytes } = writeHead(metadataOf(checkpoint, "F16", null), []);
  const read: ByteSource["read"] = (offset, length) => Promise.resolve(bytes.slice(offset, offset + length));
  const { metadata } = await readGguf(
    { name: file.name, sizeBytes: bytes.length, read, shard: () => read(0, bytes.length) },
    signal,
  );
  const tokenizer = createTokenizer(metadata);
  return {
    source,
    name: source.name,
    shape: shapeOf(config, vocab),
    tokenizer,
    template: createTemplate(metadata, tokenizer, source.name),
    parameters: parametersOf(config, vocab, fields.flag("tie_word_embeddings") ?? false),
    quantization: /_(q\w+|fp16|int8|uint8|bnb4|quantized)\.onnx$/i.exec(source.graph.name)?.[1]?.toUpperCase() ?? "ONNX",
  };
}

function shapeOf(
  { layers, dim, ffnDim, heads, kvHeads, headDim, contextLength, epsilon }: CheckpointConfig,
  vocab: number,
): Shape {
  return { layers, dim, ffnDim, heads, kvHeads, headDim, vocab, contextLength, epsilon };
}

function parametersOf({ layers, dim, ffnDim, heads, kvHeads, headDim }: CheckpointConfig, vocab: number, tied: boolean): number {
  const layer = dim * (2 * heads + 2 * kvHeads) * headDim + 3 * dim * ffnDim + 2 * dim;
  return (tied ? 1 : 2) * vocab * dim + layers * layer + dim;
}

function missing(what: string): EngineError {
  return new EngineError(
    "bad_request",
    `The model comes without ${what}.`,
    "Choose all files of the model's folder, config.json and tokenizer.json among them.",
  );
}
