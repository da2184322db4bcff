// adapter_config.json: what PEFT wrote beside its weights, in all the forms it had, as far as it changes what the weights mean.
// Source: huggingface/peft src/peft/tuners/lora/config.py and model.py; utils/other.py, get_pattern_key.
import { damaged } from "../checkpoint/formats/errors.ts";
import type { Fields } from "../checkpoint/formats/json.ts";
import { refused } from "./errors.ts";

/** Variants of LoRA that would be something else without what they add. */
const VARIANTS: Readonly<Record<string, string>> = {
  use_dora: "it is a DoRA, whose magnitudes no low-rank change has",
  use_qalora: "it is a QA-LoRA, which groups the inputs",
  lora_bias: "its matrices have biases",
  layer_replication: "it is for a model with repeated layers",
  enable_lora: "its queries, keys and values are one matrix, which no LLaMA's are",
  trainable_token_indices: "it also replaces the embeddings of some tokens",
  alora_invocation_tokens: "it is an activated LoRA, which begins to work in the middle of a text",
  target_parameters: "it changes parameters that are no linear maps",
};

/** Ways to begin training that leave the base changed: the adapter is good only beside that base. */
const BASE_CHANGING = /^(pissa|olora|corda|loftq)/;

/** How a LoRA's matrices are multiplied. */
export interface LoraConfig {
  /** Factor for a module ("model.layers.0.self_attn.q_proj") of this rank. */
  scaleOf(module: string, rank: number): number;
}

/** Reads the settings of a LoRA. Throws `bad_file` for a variant that is not one. */
export function loraConfig(config: Fields): LoraConfig {
  const { file } = config;
  for (const [key, what] of Object.entries(VARIANTS)) {
    if (config.has(key) && config.flag(key) !== false && config.list(key)?.length !== 0) throw refused(file, what);
  }
  const begun = config.text("init_lora_weights");
  if (begun !== null && BASE_CHANGING.test(begun)) {
    throw refused(file, `it was trained by "${begun}", beside a base that this changed`);
  }
  const alpha = config.number("lora_alpha") ?? 8; // PEFT's default, which older files leave out
  const stabilized = config.flag("use_rslora") ?? false;
  const alphas = patternsOf(config, "alpha_pattern");
  const ranks = patternsOf(config, "rank_pattern");
  const general = config.positive("r");
  return {
    scaleOf: (module, rank) => {
      const wanted = ranks(module) ?? general;
      if (wanted !== rank) throw damaged(file, `it gives ${module} the rank ${wanted}, and the weights have ${rank}`);
      return (alphas(module) ?? alpha) / (stabilized ? Math.sqrt(rank) : rank);
    },
  };
}

/** Numbers by the ends of module names. PEFT takes expressions; ours are the plain names that people write, with anchors. */
function patternsOf(config: Fields, key: string): (module: string) => number | null {
  const patterns = config.fields(key);
  const entries = (patterns?.keys ?? []).map((pattern) => {
    const name = pattern.replace(/^\^/, "").replace(/\$$/, "").replaceAll("\\.", ".");
    if (!/^[\w.]+$/.test(name))
      throw refused(config.file, `its ${key} has the expression ${JSON.stringify(pattern.slice(0, 60))}`);
    return { name, whole: pattern.startsWith("^"), value: patterns!.positive(pattern) };
  });
  return (module) => {
    const found = entries.find(({ name, whole }) => module === name || (!whole && module.endsWith(`.${name}`)));
    return found?.value ?? null;
  };
}
