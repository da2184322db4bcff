// How large each tensor of a LLaMA is, for models that are made from their numbers alone.
import type { Shape } from "../base/model.ts";

/** Rows and columns of the tensors of this shape, by the part of their names that says what they are: "attn_q". */
export function extentsOf({
  dim,
  heads,
  kvHeads,
  headDim,
  ffnDim,
  vocab,
}: Shape): Readonly<Record<string, readonly [rows: number, cols: number]>> {
  return {
    token_embd: [vocab, dim],
    output: [vocab, dim],
    output_norm: [1, dim],
    attn_norm: [1, dim],
    ffn_norm: [1, dim],
    attn_q: [heads * headDim, dim],
    attn_k: [kvHeads * headDim, dim],
    attn_v: [kvHeads * headDim, dim],
    attn_output: [dim, heads * headDim],
    ffn_gate: [ffnDim, dim],
    ffn_up: [ffnDim, dim],
    ffn_down: [dim, ffnDim],
  };
}
