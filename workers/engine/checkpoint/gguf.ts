// A GGUF file as a checkpoint: as the base of a difference, or to be written again in another type.
// Source: ggml/docs/gguf.md, "LLM".
import { QUANTS } from "../../../shaders/quant/index.ts";
import type { Tensor } from "../base/model.ts";
import type { ByteSource } from "../base/source.ts";
import { readGguf } from "../gguf/read.ts";
import type { KeyValues } from "../gguf/metadata.ts";
import { joinRows, type Rows } from "./arrange.ts";
import { assemble } from "./assemble.ts";
import type { Checkpoint, CheckpointConfig, CheckpointVocabulary, RopeScaling } from "./checkpoint.ts";
import { refuseOthers } from "./config.ts";
import { damaged } from "./formats/errors.ts";
import { regionOf } from "./formats/region.ts";

/** Opens a GGUF file. Throws as `readGguf`, and `unsupported_architecture`. */
export async function openGguf(source: ByteSource, signal?: AbortSignal): Promise<Checkpoint> {
  const { metadata, tensors } = await readGguf(source, signal);
  refuseOthers(metadata.text("general.architecture") ?? "(none)");
  const weights = new Map([...tensors.values()].map((tensor) => [tensor.name, rowsOf(source, tensor)]));
  const scaling = scalingOf(metadata, weights.has("rope_freqs.weight"), source.name);
  weights.delete("rope_freqs.weight");
  return assemble({
    name: metadata.text("general.name") ?? source.name.replace(/\.gguf$/i, ""),
    format: "a GGUF file",
    config: configOf(metadata, scaling, source.name),
    tensors: weights,
    vocabulary: vocabularyOf(metadata),
    template: metadata.text("tokenizer.chat_template"),
  });
}

/** A tensor of a GGUF file as rows of floats, of the type it would be kept in. */
export function rowsOf(source: ByteSource, { name, type, rows, cols, offset, sizeBytes, parts }: Tensor): Rows {
  if (parts) {
    return joinRows(
      name,
      parts.map((part) => rowsOf(source, part)),
    );
  }
  const region = regionOf(source, offset, sizeBytes);
  const rowBytes = sizeBytes / rows;
  return {
    // Quantized weights have no more precision than their scales.
    type: type === "F32" || type === "BF16" ? type : "F16",
    rows,
    cols,
    read: async (first, count, signal) => {
      const floats = new Float32Array(count * cols);
      QUANTS[type].dequantize(await region.read(first * rowBytes, count * rowBytes, signal), floats);
      return floats;
    },
  };
}

function configOf(metadata: KeyValues, scaling: RopeScaling | null, file: string): CheckpointConfig {
  const number = (key: string): number => {
    const value = metadata.number(`llama.${key}`);
    if (value !== null && value > 0) return value;
    throw damaged(file, `it does not say llama.${key}`);
  };
  const optional = (key: string): number | null => metadata.number(`llama.${key}`);
  const heads = number("attention.head_count");
  const dim = number("embedding_length");
  const [count, used] = [optional("expert_count") ?? 0, optional("expert_used_count") ?? 0];
  return {
    layers: number("block_count"),
    dim,
    ffnDim: number("feed_forward_length"),
    heads,
    kvHeads: optional("attention.head_count_kv") ?? heads,
    headDim: optional("attention.key_length") ?? dim / heads,
    contextLength: number("context_length"),
    epsilon: number("attention.layer_norm_rms_epsilon"),
    theta: optional("rope.freq_base") ?? 10000,
    scaling,
    slidingWindow: optional("attention.sliding_window"),
    experts: count > 0 ? { count, used } : null,
  };
}

function scalingOf(metadata: KeyValues, hasDivisors: boolean, file: string): RopeScaling | null {
  const type = metadata.text("llama.rope.scaling.type") ?? "linear";
  const factor = (metadata.number("llama.rope.scaling.factor") ?? metadata.number("llama.rope.scale_linear") ?? 1) || 1;
  if (hasDivisors)
    throw damaged(file, "its rotation is a table (Llama 3.1), which is not converted again; open the file as it is");
  if (type === "none" || (type === "linear" && factor === 1)) return null;
  if (type === "linear") return { type, factor };
  if (type !== "yarn") throw damaged(file, `its position scaling "${type}" is unknown`);
  const trainedLength = metadata.number("llama.rope.scaling.original_context_length") ?? 0;
  return { type, factor, trainedLength, attention: metadata.number("llama.rope.scaling.attn_factor") ?? 1 };
}

function vocabularyOf(metadata: KeyValues): CheckpointVocabulary | null {
  const tokens = metadata.texts("tokenizer.ggml.tokens");
  if (!tokens) return null;
  const id = (key: string): number | null => metadata.number(`tokenizer.ggml.${key}_token_id`);
  const numbers = (key: string): readonly number[] | null => {
    const values = metadata.numbers(`tokenizer.ggml.${key}`);
    return values ? [...values] : null;
  };
  const spm = metadata.text("tokenizer.ggml.model") === "llama";
  return {
    model: spm ? "llama" : "gpt2",
    pre: metadata.text("tokenizer.ggml.pre") ?? "default",
    tokens,
    scores: spm ? numbers("scores") : null,
    types: numbers("token_type") ?? tokens.map(() => 1),
    merges: metadata.texts("tokenizer.ggml.merges"),
    bos: id("bos"),
    eos: id("eos"),
    unknown: id("unknown"),
    pad: id("padding"),
    addBos: metadata.flag("tokenizer.ggml.add_bos_token"),
    addSpacePrefix: metadata.flag("tokenizer.ggml.add_space_prefix"),
  };
}
