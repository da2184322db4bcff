// A LLaMA as a list of steps: the whole forward pass on one screen.
// Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", section 2.2; llama.cpp src/models/llama.cpp.
import {
  tensorsOf,
  type Linear,
  type Model,
  type Rope,
  type Segment,
  type Shape,
  type Step,
  type Tensor,
} from "../base/model.ts";

const PLAIN: Variant = { window: null, experts: null };

/** Finds a tensor of the file by name; null where the file has none. */
export type FindTensor = (name: string) => Tensor | null;

/** What some of the family have beside the numbers of their shape. */
export interface Variant {
  /** Positions a token sees, its own included; null for all before it. */
  readonly window: number | null;
  /** Experts there are in a layer whose router the file has, and how many a token takes. */
  readonly experts: { readonly count: number; readonly used: number } | null;
}

/**
 * The steps of a LLaMA of this shape. RMSNorm before each half of a layer, rotary positions, grouped-query attention,
 * SwiGLU, residuals, biases where the file has them. The head is the embedding where the file has no output.weight. Throws `bad_file` for a missing tensor.
 */
export function describeLlama(
  shape: Shape,
  rope: Rope,
  find: (name: string) => Tensor,
  optional: FindTensor,
  variant: Variant = PLAIN,
): Model {
  const embedding = find("token_embd.weight");
  const segments = [segment("embedding", [{ op: "embed", weight: embedding, out: "hidden" }])];
  for (let layer = 0; layer < shape.layers; layer++) {
    const parts = {
      weight: (part: string) => find(`blk.${layer}.${part}.weight`),
      optional: (part: string, kind: string) => optional(`blk.${layer}.${part}.${kind}`),
    };
    segments.push(
      segment(`layer ${layer}`, [...attentionSteps(shape, layer, parts, variant), ...feedForward(shape, parts, variant)]),
    );
  }
  const norm = { weight: find("output_norm.weight"), epsilon: shape.epsilon };
  const output = optional("output.weight") ?? embedding;
  const bias = optional("output.bias"); // lit-llama's LLaMA-Adapter V2 has one
  const head = { op: "linear", weight: output, in: "hidden", norm, out: "logits", then: "store", ...(bias && { bias }) } as const;
  segments.push(segment("head", [head]));
  return { shape, rope, segments };
}

/** The tensors of a layer, by their part of it: "attn_q". */
interface Parts {
  readonly weight: (part: string) => Tensor;
  readonly optional: (part: string, kind: string) => Tensor | null;
}

function attentionSteps(shape: Shape, layer: number, parts: Parts, { window }: Variant): Step[] {
  const input = { in: "hidden", norm: { weight: parts.weight("attn_norm"), epsilon: shape.epsilon } } as const;
  const scale = 1 / Math.sqrt(shape.headDim);
  return [
    linear({ ...input, ...matrix(parts, "attn_q"), out: "q", then: "rope" }),
    linear({ ...input, ...matrix(parts, "attn_k"), out: "k", then: "rope" }),
    linear({ ...input, ...matrix(parts, "attn_v"), out: "v", then: "store" }),
    { op: "attend", layer, scale, ...(window && window < shape.contextLength ? { window } : {}) },
    linear({ in: "attended", ...matrix(parts, "attn_output"), out: "hidden", then: "add" }),
  ];
}

/** A mixture of experts where the layer has a router, else one network for all tokens. */
function feedForward({ epsilon }: Shape, parts: Parts, { experts }: Variant): Step[] {
  const norm = { weight: parts.weight("ffn_norm"), epsilon };
  const router = experts && parts.optional("ffn_gate_inp", "weight");
  if (experts && router) {
    const [gate, up, down] = [parts.weight("ffn_gate_exps"), parts.weight("ffn_up_exps"), parts.weight("ffn_down_exps")];
    return [{ op: "experts", norm, router, gate, up, down, ...experts }];
  }
  return [
    linear({ in: "hidden", norm, ...matrix(parts, "ffn_gate"), out: "gate", then: "store" }),
    linear({ in: "hidden", norm, ...matrix(parts, "ffn_up"), out: "gate", then: "silu_multiply" }),
    linear({ in: "gate", ...matrix(parts, "ffn_down"), out: "hidden", then: "add" }),
  ];
}

function matrix(parts: Parts, part: string): Pick<Linear, "weight" | "bias"> {
  const bias = parts.optional(part, "bias");
  return { weight: parts.weight(part), ...(bias ? { bias } : {}) };
}

function linear(step: Omit<Linear, "op">): Linear {
  return { op: "linear", ...step };
}

function segment(name: string, steps: readonly Step[]): Segment {
  return { name, steps, needs: steps.flatMap(tensorsOf) };
}
