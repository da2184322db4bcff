// What a converted file says of its model, in the keys llama.cpp reads.
// Source: ggml/docs/gguf.md; llama.cpp gguf-py/gguf/constants.py.
import { EngineError } from "../base/errors.ts";
import { type Checkpoint, type CheckpointConfig, type CheckpointVocabulary, TOKEN_TYPE } from "../checkpoint/checkpoint.ts";
import { type Entry, f32, f32s, flag, i32s, text, texts, u32 } from "../gguf/write.ts";
import { TARGETS, type Target } from "./types.ts";

const QUANTIZATION_VERSION = 2;

/** The metadata of a file. `family` names a prompt format where the person chose one. Throws `unsupported_tokenizer` without a vocabulary. */
export function metadataOf(checkpoint: Checkpoint, target: Target, family: string | null): Map<string, Entry> {
  const { name, config, vocabulary, template } = checkpoint;
  if (!vocabulary) {
    throw new EngineError(
      "unsupported_tokenizer",
      "None of the files is a vocabulary.",
      "Choose tokenizer.model, or tokenizer.json, together with the weights.",
    );
  }
  const rows = checkpoint.tensors.get("token_embd.weight")?.rows ?? 0;
  return new Map([
    ["general.architecture", text("llama")],
    ["general.name", text(name)],
    ["general.file_type", u32(TARGETS[target].fileType)],
    ["general.quantization_version", u32(QUANTIZATION_VERSION)],
    ...numbers(config, rows),
    ...language(vocabulary, rows),
    ...(template === null ? [] : [["tokenizer.chat_template", text(template)] as const]),
    ...(family === null ? [] : [["cria.chat_family", text(family)] as const]),
  ]);
}

/** Divisors of the rotation's frequencies (Llama 3.1), [headDim / 2]: a tensor, not a value. Null where there are none. */
export function ropeDivisors({ headDim, theta, scaling }: CheckpointConfig): Float32Array<ArrayBuffer> | null {
  if (scaling?.type !== "llama3") return null;
  const { factor, lowFrequency, highFrequency, trainedLength } = scaling;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    if (wavelength < trainedLength / highFrequency) return 1;
    if (wavelength > trainedLength / lowFrequency) return factor;
    const smooth = (trainedLength / wavelength - lowFrequency) / (highFrequency - lowFrequency);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

function numbers(config: CheckpointConfig, vocab: number): [string, Entry][] {
  const { scaling, slidingWindow, experts } = config;
  const entries: [string, Entry][] = [
    ["vocab_size", u32(vocab)],
    ["context_length", u32(config.contextLength)],
    ["embedding_length", u32(config.dim)],
    ["block_count", u32(config.layers)],
    ["feed_forward_length", u32(config.ffnDim)],
    ["attention.head_count", u32(config.heads)],
    ["attention.head_count_kv", u32(config.kvHeads)],
    ["attention.key_length", u32(config.headDim)],
    ["attention.value_length", u32(config.headDim)],
    ["attention.layer_norm_rms_epsilon", f32(config.epsilon)],
    ["rope.dimension_count", u32(config.headDim)],
    ["rope.freq_base", f32(config.theta)],
  ];
  if (experts) entries.push(["expert_count", u32(experts.count)], ["expert_used_count", u32(experts.used)]);
  if (slidingWindow !== null) entries.push(["attention.sliding_window", u32(slidingWindow)]);
  if (scaling?.type === "linear" || scaling?.type === "yarn") {
    entries.push(["rope.scaling.type", text(scaling.type)], ["rope.scaling.factor", f32(scaling.factor)]);
  }
  if (scaling?.type === "yarn") {
    entries.push(["rope.scaling.original_context_length", u32(scaling.trainedLength)]);
    entries.push(["rope.scaling.attn_factor", f32(scaling.attention)]);
  }
  return entries.map(([key, entry]) => [`llama.${key}`, entry]);
}

function language(vocabulary: CheckpointVocabulary, rows: number): [string, Entry][] {
  const { model, pre, tokens, types, scores, merges, bos, eos, unknown, pad, addBos, addSpacePrefix } = fitted(vocabulary, rows);
  const entries: [string, Entry | null][] = [
    ["model", text(model)],
    ["pre", text(pre)],
    ["tokens", texts(tokens)],
    ["scores", scores && f32s(scores)],
    ["token_type", i32s(types)],
    ["merges", merges && texts(merges)],
    ["bos_token_id", bos === null ? null : u32(bos)],
    ["eos_token_id", eos === null ? null : u32(eos)],
    ["unknown_token_id", unknown === null ? null : u32(unknown)],
    ["padding_token_id", pad === null ? null : u32(pad)],
    ["add_bos_token", addBos === null ? null : flag(addBos)],
    ["add_space_prefix", addSpacePrefix === null ? null : flag(addSpacePrefix)],
  ];
  return entries.flatMap(([key, entry]) => (entry ? [[`tokenizer.ggml.${key}`, entry]] : []));
}

/** The vocabulary with as many tokens as the embedding has rows: embeddings are padded, and tokens added without one. */
function fitted(vocabulary: CheckpointVocabulary, rows: number): CheckpointVocabulary {
  const missing = Array.from({ length: Math.max(0, rows - vocabulary.tokens.length) }, (_, i) => vocabulary.tokens.length + i);
  const known = (id: number | null): number | null => (id !== null && id < rows ? id : null);
  return {
    ...vocabulary,
    tokens: [...vocabulary.tokens.slice(0, rows), ...missing.map((id) => `[PAD${id}]`)],
    types: [...vocabulary.types.slice(0, rows), ...missing.map(() => TOKEN_TYPE.unused)],
    scores: vocabulary.scores && [...vocabulary.scores.slice(0, rows), ...missing.map(() => -1000)],
    bos: known(vocabulary.bos),
    eos: known(vocabulary.eos),
    unknown: known(vocabulary.unknown),
    pad: known(vocabulary.pad),
  };
}
