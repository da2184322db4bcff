// What an adapter's files hold once they are read, in GGUF's names and order: of three kinds, which meet a model in three ways.
import type { GateReading } from "../base/adapters.ts";
import type { LowRank } from "../base/adapter.ts";
import type { Shape } from "../base/model.ts";
import type { Rows } from "../checkpoint/arrange.ts";

/** The numbers of a model that an adapter's files are read by. */
export type Frame = Pick<Shape, "layers" | "dim" | "ffnDim" | "heads" | "kvHeads" | "headDim">;

/** Learned vectors that one layer attends to, before they met the layer's weights. */
export interface LearnedPrompt {
  /** Positions. */
  readonly length: number;
  /** [length, dim]. */
  readonly vectors: Float32Array;
  /** One factor a query head, as stored. */
  readonly gates: Float32Array;
}

/** LoRA: low-rank changes of weights, the factor alpha / rank already in them. */
export interface LoraContents {
  readonly kind: "lora";
  /** For people: "PEFT's LoRA, safetensors". */
  readonly format: string;
  /** By the name of the weight: "blk.0.attn_q.weight". */
  readonly changes: ReadonlyMap<string, LowRank>;
}

/** LLaMA-Adapter V1: prompts in the upper layers. */
export interface PromptContents {
  readonly kind: "prompt";
  readonly format: string;
  readonly prompts: ReadonlyMap<number, LearnedPrompt>;
  /** How its publisher's own code applies the gate. */
  readonly gate: GateReading;
}

/** Which side of a weight its scale is on: W(s ⊙ x) + b, or s ⊙ (W x + b). */
export type ScaleSide = "inputs" | "outputs";

/** LLaMA-Adapter V2: a scale and a bias for every linear map, and norms in place of the model's. */
export interface TuningContents {
  readonly kind: "tuning";
  readonly format: string;
  readonly side: ScaleSide;
  /** Vectors, as one row each, by the name of the weight. */
  readonly scales: ReadonlyMap<string, Rows>;
  readonly biases: ReadonlyMap<string, Rows>;
  readonly norms: ReadonlyMap<string, Rows>;
  /** lit-llama's have prompts as well, which stay an adapter beside the tuned model. */
  readonly prompts: PromptContents | null;
}

export type AdapterContents = LoraContents | PromptContents | TuningContents;
