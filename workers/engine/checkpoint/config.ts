// A model's numbers: from Hugging Face's config.json, from Meta's params.json, or from its tensors alone.
// Source: transformers configuration_llama.py, configuration_mixtral.py and modeling_rope_utils.py; meta-llama/llama-models
// models/llama3/args.py; llama.cpp's first convert.py, which tells LLaMA 1 from 2, and Mixtral from both, as we do.
import { EngineError } from "../base/errors.ts";
import { refuseGptJ } from "../base/gptj.ts";
import type { CheckpointConfig, RopeScaling } from "./checkpoint.ts";
import { damaged, refused } from "./formats/errors.ts";
import type { Fields } from "./formats/json.ts";
import type { Rows } from "./arrange.ts";

/** Models that are a LLaMA by another name. */
const LLAMAS = ["llama", "mistral", "mixtral"];

/** Throws `unsupported_architecture` for what is no LLaMA: by its name for itself. */
export function refuseOthers(type: string): void {
  if (LLAMAS.includes(type)) return;
  if (type === "gptj") throw refuseGptJ();
  throw new EngineError(
    "unsupported_architecture",
    `This model is of the architecture "${type}".`,
    "Choose a model of the LLaMA family.",
  );
}

/** Reads config.json. Throws `bad_file`, `unsupported_architecture`. */
export function configOf(fields: Fields): CheckpointConfig {
  const type = fields.text("model_type") ?? "llama";
  refuseOthers(type);
  const dim = fields.positive("hidden_size");
  const heads = fields.positive("num_attention_heads");
  const contextLength = fields.number("max_position_embeddings") ?? fields.number("max_sequence_length") ?? 2048;
  const rope = fields.fields("rope_scaling") ?? fields.fields("rope_parameters"); // the newer name carries theta as well
  return checked(fields.file, {
    layers: fields.positive("num_hidden_layers"),
    dim,
    ffnDim: fields.positive("intermediate_size"),
    heads,
    kvHeads: fields.number("num_key_value_heads") ?? heads,
    headDim: fields.number("head_dim") ?? dim / heads,
    contextLength: contextLength * contextStretch(rope, contextLength),
    epsilon: fields.number("rms_norm_eps") ?? 1e-6,
    theta: fields.number("rope_theta") ?? rope?.number("rope_theta") ?? 10000,
    scaling: scalingOf(rope, contextLength),
    slidingWindow: fields.number("sliding_window"),
    experts: type === "mixtral" ? expertsOf(fields, "num_local_experts") : null,
  });
}

/** Experts that the files of a params.json have; null where they have one network a layer. Throws `bad_file`. */
export function expertsOfParams(fields: Fields): CheckpointConfig["experts"] {
  const moe = fields.fields("moe");
  return moe && expertsOf(moe, "num_experts");
}

function expertsOf(fields: Fields, countKey: string): NonNullable<CheckpointConfig["experts"]> {
  const [count, used] = [fields.positive(countKey), fields.positive("num_experts_per_tok")];
  if (Number.isInteger(count) && Number.isInteger(used) && used <= count && count <= 1024) return { count, used };
  throw damaged(fields.file, `a token takes ${used} of ${count} experts`);
}

/** Reads params.json, which leaves to the tensors what they show. Throws `bad_file`. */
export function paramsOf(fields: Fields, tensors: ReadonlyMap<string, Rows>): CheckpointConfig {
  const dim = fields.positive("dim");
  const heads = fields.positive("n_heads");
  const kvHeads = fields.number("n_kv_heads") ?? heads;
  const experts = expertsOfParams(fields);
  const theta = fields.number("rope_theta") ?? (experts ? 1e6 : 10000);
  const epsilon = fields.number("norm_eps") ?? 1e-6;
  const scaled = fields.flag("use_scaled_rope") ?? false;
  return checked(fields.file, {
    layers: fields.positive("n_layers"),
    dim,
    ffnDim: experts
      ? rowsOf(fields.file, tensors, "blk.0.ffn_gate_exps.weight") / experts.count
      : rowsOf(fields.file, tensors, "blk.0.ffn_gate.weight"),
    heads,
    kvHeads,
    headDim: fields.number("head_dim") ?? dim / heads,
    contextLength:
      fields.number("max_seq_len") ??
      (experts ? 32_768 : trainedLength(theta, epsilon, dim >= 8192 && kvHeads === heads, scaled)),
    epsilon,
    theta,
    scaling: scaled
      ? {
          type: "llama3",
          factor: fields.number("rope_scale_factor") ?? fields.number("rope_scaling_factor") ?? 8,
          lowFrequency: 1,
          highFrequency: 4,
          trainedLength: 8192,
        }
      : null,
    slidingWindow: fields.number("sliding_window"),
    experts,
  });
}

/** A LLaMA 1 by its tensors: heads of 128, and the epsilon of the paper's code, which 65B alone has larger. */
export function configOfTensors(file: string, tensors: ReadonlyMap<string, Rows>): CheckpointConfig {
  const dim = tensors.get("token_embd.weight")?.cols ?? 0;
  const layers = [...tensors.keys()].filter((name) => name.endsWith(".attn_q.weight")).length;
  const heads = dim / 128;
  return checked(file, {
    layers,
    dim,
    ffnDim: rowsOf(file, tensors, "blk.0.ffn_gate.weight"),
    heads,
    kvHeads: heads,
    headDim: 128,
    contextLength: 2048,
    epsilon: dim === 8192 ? 1e-5 : 1e-6,
    theta: 10000,
    scaling: null,
    slidingWindow: null,
    experts: null,
  });
}

/** Positions Meta's models were trained for, which their files do not say. */
function trainedLength(theta: number, epsilon: number, isFirst65B: boolean, scaled: boolean): number {
  if (scaled) return 131_072; // Llama 3.1
  if (theta === 1e6) return 16_384; // Code Llama
  if (theta >= 5e5) return 8192; // Llama 3
  return epsilon === 1e-5 && !isFirst65B ? 4096 : 2048; // Llama 2, LLaMA
}

/** Linear scaling names the length before it (Vicuna 1.5 16k: 4096 and 4); the other kinds name the one after it. */
function contextStretch(rope: Fields | null, contextLength: number): number {
  const factor = rope?.number("factor") ?? 1;
  const type = rope?.text("rope_type") ?? rope?.text("type");
  if (type === "linear") return factor;
  const trained = rope?.number("original_max_position_embeddings") ?? null;
  return type === "yarn" && trained === contextLength ? factor : 1;
}

function scalingOf(rope: Fields | null, contextLength: number): RopeScaling | null {
  const type = rope?.text("rope_type") ?? rope?.text("type") ?? "default";
  // Dynamic scaling changes nothing within the trained length, and beyond it we do not go.
  if (!rope || type === "default" || type === "dynamic") return null;
  const factor = rope.positive("factor");
  const trainedLength = rope.number("original_max_position_embeddings") ?? contextLength;
  if (type === "linear") return { type, factor };
  if (type === "yarn") {
    // Their attention_factor replaces the derived one; GGUF's multiplies it.
    const derived = 1 + 0.1 * Math.log(factor);
    return { type, factor, trainedLength, attention: (rope.number("attention_factor") ?? derived) / derived };
  }
  if (type === "llama3") {
    const [lowFrequency, highFrequency] = [rope.positive("low_freq_factor"), rope.positive("high_freq_factor")];
    return { type, factor, trainedLength, lowFrequency, highFrequency };
  }
  throw refused(rope.file, `its position scaling "${type}" is not one that LLaMA models use`);
}

function rowsOf(file: string, tensors: ReadonlyMap<string, Rows>, name: string): number {
  const tensor = tensors.get(name);
  if (tensor) return tensor.rows;
  throw damaged(file, `there is no tensor ${name}`);
}

function checked(file: string, config: CheckpointConfig): CheckpointConfig {
  const { layers, dim, ffnDim, heads, kvHeads, headDim } = config;
  const counts = [layers, dim, ffnDim, heads, kvHeads, headDim / 2, heads / kvHeads];
  if (counts.every((count) => Number.isSafeInteger(count) && count > 0) && layers <= 10_000) return config;
  throw damaged(file, `a model of ${layers} layers, ${dim} wide, with ${heads} heads over ${kvHeads} of ${headDim} cannot be`);
}
