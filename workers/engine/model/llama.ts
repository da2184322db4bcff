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

/** Finds a tensor of the file by name; null where the file has none. */
export type FindTensor = (name: string) => Tensor | null;

/**
 * The steps of a LLaMA of this shape. RMSNorm before each half of a layer, rotary positions, grouped-query attention,
 * SwiGLU, residuals, biases where the file has them. The head is the embedding where the file has no output.weight. Throws `bad_file` for a missing tensor.
 */
export function describeLlama(shape: Shape, rope: Rope, find: (name: string) => Tensor, optional: FindTensor): Model {
  const embedding = find("token_embd.weight");
  const segments = [segment("embedding", [{ op: "embed", weight: embedding, out: "hidden" }])];
  for (let layer = 0; layer < shape.layers; layer++) {
    segments.push(
      segment(
        `layer ${layer}`,
        layerSteps(
          shape,
          layer,
          (part) => find(`blk.${layer}.${part}.weight`),
          (part) => optional(`blk.${layer}.${part}.bias`),
        ),
      ),
    );
  }
  const norm = { weight: find("output_norm.weight"), epsilon: shape.epsilon };
  const output = optional("output.weight") ?? embedding;
  segments.push(segment("head", [{ op: "linear", weight: output, in: "hidden", norm, out: "logits", then: "store" }]));
  return { shape, rope, segments };
}

function layerSteps(
  shape: Shape,
  layer: number,
  weight: (part: string) => Tensor,
  biasOf: (part: string) => Tensor | null,
): Step[] {
  const { epsilon } = shape;
  const matrix = (part: string): Pick<Linear, "weight" | "bias"> => {
    const bias = biasOf(part);
    return { weight: weight(part), ...(bias ? { bias } : {}) };
  };
  const attention = { in: "hidden", norm: { weight: weight("attn_norm"), epsilon } } as const;
  const feedForward = { in: "hidden", norm: { weight: weight("ffn_norm"), epsilon } } as const;
  return [
    linear({ ...attention, ...matrix("attn_q"), out: "q", then: "rope" }),
    linear({ ...attention, ...matrix("attn_k"), out: "k", then: "rope" }),
    linear({ ...attention, ...matrix("attn_v"), out: "v", then: "store" }),
    { op: "attend", layer, scale: 1 / Math.sqrt(shape.headDim) },
    linear({ in: "attended", ...matrix("attn_output"), out: "hidden", then: "add" }),
    linear({ ...feedForward, ...matrix("ffn_gate"), out: "gate", then: "store" }),
    linear({ ...feedForward, ...matrix("ffn_up"), out: "gate", then: "silu_multiply" }),
    linear({ in: "gate", ...matrix("ffn_down"), out: "hidden", then: "add" }),
  ];
}

function linear(step: Omit<Linear, "op">): Linear {
  return { op: "linear", ...step };
}

function segment(name: string, steps: readonly Step[]): Segment {
  return { name, steps, needs: steps.flatMap(tensorsOf) };
}
