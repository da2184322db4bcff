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

/** out = then(weight · norm(in)). Neighbours with the same `in` and `norm` may be computed as one. */
export interface Linear {
  readonly op: "linear";
  readonly weight: Tensor;
  readonly in: Activation;
  readonly out: Activation;
  /** RMSNorm of the input: x / sqrt(mean(x²) + epsilon) · weight. */
  readonly norm?: { readonly weight: Tensor; readonly epsilon: number };
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
}

export type Step = Embed | Linear | Attend;

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
