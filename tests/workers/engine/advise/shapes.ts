// Shapes that the tests of advice share.
import type { Shape } from "../../../../workers/engine/base/model.ts";

/** So small that its weights can be counted by hand. */
export const SHAPE: Shape = {
  layers: 2,
  dim: 64,
  ffnDim: 128,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 100,
  contextLength: 4096,
  epsilon: 1e-5,
};

/** LLaMA 2 7B. */
export const SEVEN_B: Shape = {
  layers: 32,
  dim: 4096,
  ffnDim: 11008,
  heads: 32,
  kvHeads: 32,
  headDim: 128,
  vocab: 32000,
  contextLength: 4096,
  epsilon: 1e-5,
};

/** Llama 3.1 8B. */
export const EIGHT_B: Shape = { ...SEVEN_B, ffnDim: 14336, kvHeads: 8, vocab: 128256, contextLength: 131072 };

/** SmolLM2 135M. */
export const SMOL: Shape = {
  ...SEVEN_B,
  layers: 30,
  dim: 576,
  ffnDim: 1536,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  vocab: 49152,
  contextLength: 8192,
};
