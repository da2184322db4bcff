// A model as plain data: what llama.ts writes and a backend turns into a plan of its own.
// Source: the LLaMA paper, section 2.2; tensor names as llama.cpp gives them.
import type { QuantName } from "../../../shaders/quant/index.ts";

/** A weight as it stands in its file: row-major [rows, cols], blocks along cols. */
export interface Tensor {
  /** Name in the file: "blk.0.attn_q.weight". */
  readonly name: string;
  readonly type: QuantName;
  /** Outputs of a linear map; vocabulary of an embedding; 1 for a vector. */
  readonly rows: number;
  /** Inputs: the length of a row. */
  readonly cols: number;
  /** Absolute position of the first byte in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Where the file keeps the rows apart: the tensors that hold them, one below the other. `offset` is then that of the first in the file. */
  readonly parts?: readonly Tensor[];
}

/** The numbers of the paper's Table 2, and what came after. */
export interface Shape {
  readonly layers: number;
  /** Width of the hidden state. */
  readonly dim: number;
  readonly ffnDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Width of a head's query, key and value. */
  readonly headDim: number;
  readonly vocab: number;
  /** Positions the model was trained for. */
  readonly contextLength: number;
  /** Epsilon of RMSNorm. */
  readonly epsilon: number;
}

/** Rotary position embedding of adjacent pairs (2i, 2i + 1), all scalings already in the frequencies. */
export interface Rope {
  /** Leading dimensions of a head that turn; the rest stays. */
  readonly dims: number;
  /** Radians per position, [dims / 2]. */
  readonly frequencies: Float32Array;
  /** Factor on the rotated vector (YaRN), else 1. */
  readonly magnitude: number;
}

/** Buffers between steps, one row a token. Widths: hidden dim; q heads*headDim; k, v kvHeads*headDim; attended as q; gate ffnDim; logits vocab. */
export type Activation = "hidden" | "q" | "k" | "v" | "attended" | "gate" | "logits";

/** hidden = the token's row of the embedding. */
export interface Embed {
  readonly op: "embed";
  readonly weight: Tensor;
  readonly out: "hidden";
}

/** RMSNorm: x / sqrt(mean(x²) + epsilon) · weight. */
export interface Norm {
  readonly weight: Tensor;
  readonly epsilon: number;
}

/** out = then(weight · norm(in) + bias). Neighbours with the same `in` and `norm` may be computed as one. */
export interface Linear {
  readonly op: "linear";
  readonly weight: Tensor;
  readonly in: Activation;
  readonly out: Activation;
  /** RMSNorm of the input. */
  readonly norm?: Norm;
  /** Added to the product: one number a row of the weight, [1, rows]. */
  readonly bias?: Tensor;
  /**
   * store: out = y. rope: out = y turned by position, head by head. add: out += y.
   * silu_multiply: out = silu(out) · y (the gate is already in out).
   */
  readonly then: "store" | "rope" | "add" | "silu_multiply";
}

/** Writes k and v to the layer's cache at their positions; attended = softmax(q·K / sqrt(headDim), causal) · V. */
export interface Attend {
  readonly op: "attend";
  readonly layer: number;
  /** Factor on q·K. */
  readonly scale: number;
  /** How many positions a token sees, its own included; all before it where this is not given. */
  readonly window?: number;
}

/**
 * A mixture of experts instead of one feed-forward network: p = softmax(router · norm(hidden)); of the `used` experts with the
 * largest p: hidden += Σ p_e / Σ p · down_e · (silu(gate_e · x) ⊙ up_e · x).
 * Source: Mixtral; llama.cpp src/llama-graph.cpp, build_moe_ffn with norm_w.
 */
export interface Experts {
  readonly op: "experts";
  readonly norm: Norm;
  /** [experts, dim]. */
  readonly router: Tensor;
  /** The experts' matrices one below the other: gate and up [experts · ffnDim, dim], down [experts · dim, ffnDim]. */
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly down: Tensor;
  /** Experts there are. */
  readonly count: number;
  /** Experts a token takes. */
  readonly used: number;
}

export type Step = Embed | Linear | Attend | Experts;

/** The tensors a step needs. */
export function tensorsOf(step: Step): Tensor[] {
  switch (step.op) {
    case "embed":
      return [step.weight];
    case "linear":
      return [...(step.norm ? [step.norm.weight] : []), step.weight, ...(step.bias ? [step.bias] : [])];
    case "attend":
      return [];
    case "experts":
      return [step.norm.weight, step.router, step.gate, step.up, step.down];
  }
}

/** The unit of memory, of time limits and of stopping: the embedding, one layer, or the head. */
export interface Segment {
  /** "embedding", "layer 0", "head". */
  readonly name: string;
  readonly needs: readonly Tensor[];
  readonly steps: readonly Step[];
}

/** A whole model. A tensor needed by two segments (tied embedding and head) is one tensor, known by its name. */
export interface Model {
  readonly shape: Shape;
  readonly rope: Rope;
  readonly segments: readonly Segment[];
}
