// From a GGUF file to an ONNX model in the hub's layout: config.json, tokenizer.json, onnx/model.onnx.
import { QUANTS } from "../../../shaders/quant/index.ts";
import type { ByteSource } from "../../../workers/engine/base/source.ts";
import { readGguf } from "../../../workers/engine/gguf/read.ts";
import { describe } from "../../../workers/engine/model/describe.ts";
import { llamaGraph, type ExportOptions } from "./llama.ts";
import { tokenizerFiles } from "./tokenizer.ts";

/** Files of an exported model, by their paths. */
export type ExportedFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** The model of a GGUF file as ONNX. Weights are unpacked; queries and keys rotate as GGUF has them. Throws what reading throws. */
export async function exportOnnx(
  source: ByteSource,
  options: Omit<ExportOptions, "dataFile"> & { readonly external: boolean },
): Promise<ExportedFiles> {
  const gguf = await readGguf(source);
  const { shape, rope } = await describe(gguf, source);
  const weight = async (name: string): Promise<Float32Array | null> => {
    const tensor = gguf.tensors.get(name);
    if (!tensor) return null;
    const floats = new Float32Array(tensor.rows * tensor.cols);
    QUANTS[tensor.type].dequantize(await source.read(tensor.offset, tensor.sizeBytes), floats);
    return floats;
  };
  const graphName = options.half ? "model_fp16.onnx" : "model.onnx";
  const dataFile = options.external ? `${graphName}_data` : null;
  const { model, data } = await llamaGraph({ shape, rope, weight }, { ...options, dataFile });
  const { tokenizer, config } = tokenizerFiles(gguf.metadata);
  const numbers = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: shape.dim,
    intermediate_size: shape.ffnDim,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    vocab_size: shape.vocab,
    max_position_embeddings: shape.contextLength,
    rms_norm_eps: shape.epsilon,
    rope_theta: gguf.metadata.number("llama.rope.freq_base") ?? 10000,
    tie_word_embeddings: !gguf.tensors.has("output.weight"),
    bos_token_id: gguf.metadata.number("tokenizer.ggml.bos_token_id"),
    eos_token_id: gguf.metadata.number("tokenizer.ggml.eos_token_id"),
  };
  const json = (value: object): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
  return new Map([
    ["config.json", json(numbers)],
    ["tokenizer.json", json(tokenizer)],
    ["tokenizer_config.json", json(config)],
    [`onnx/${graphName}`, model],
    ...(dataFile && data ? [[`onnx/${dataFile}`, data] as const] : []),
  ]);
}
