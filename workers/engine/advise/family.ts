// The shapes of the LLaMA family, by their parameters: enough to foretell a model that only a list describes.
// Sources: the LLaMA paper, table 2; the config.json files and model cards of the models after it.
import type { Shape } from "../base/model.ts";

interface Member {
  readonly parameters: number;
  readonly shape: Omit<Shape, "contextLength">;
  /** Tokens it was trained on; null where its makers do not say. */
  readonly trained: number | null;
}

/** [parameters, tokens trained on, layers, dim, ffnDim, heads, kvHeads, headDim, vocab] */
type Row = readonly [number, number | null, number, number, number, number, number, number, number];

const ROWS: readonly Row[] = [
  [134_515_008, 2e12, 30, 576, 1536, 9, 3, 64, 49152], // SmolLM2
  [361_821_120, 4e12, 32, 960, 2560, 15, 5, 64, 49152],
  [1_711_376_384, 11e12, 24, 2048, 8192, 32, 32, 64, 49152],
  [1_100_048_384, 3e12, 22, 2048, 5632, 32, 4, 64, 32000], // TinyLlama
  [1_235_814_400, 9e12, 16, 2048, 8192, 32, 8, 64, 128256], // Llama 3.2
  [3_212_749_824, 9e12, 28, 3072, 8192, 24, 8, 128, 128256],
  [8_030_261_248, 15e12, 32, 4096, 14336, 32, 8, 128, 128256], // Llama 3.1
  [7_241_732_096, null, 32, 4096, 14336, 32, 8, 128, 32000], // Mistral
  [6_738_415_616, 1e12, 32, 4096, 11008, 32, 32, 128, 32000], // LLaMA
  [13_015_864_320, 1e12, 40, 5120, 13824, 40, 40, 128, 32000],
  [32_528_943_616, 1.4e12, 60, 6656, 17920, 52, 52, 128, 32000],
  [65_285_660_672, 1.4e12, 80, 8192, 22016, 64, 64, 128, 32000],
];

const FAMILY: readonly Member[] = ROWS.map(([parameters, trained, layers, dim, ffnDim, heads, kvHeads, headDim, vocab]) => ({
  parameters,
  trained,
  shape: { layers, dim, ffnDim, heads, kvHeads, headDim, vocab, epsilon: 1e-5 },
}));

/** Twice as long as the first LLaMA's: the second, which learned from twice as much. */
const SECOND_CONTEXT = 4096;
const SECOND_TRAINED = 2e12;
/** Vocabularies grow by a few tokens when models are tuned. */
const SAME = 1.02;

/** The shape of the member nearest in parameters. */
export function shapeNear(parameters: number): Omit<Shape, "contextLength"> {
  return nearest(parameters).shape;
}

/** Tokens a model was trained on, where it is a member of the family; null where nobody knows. */
export function trainedTokensOf({ parameters, contextLength }: { parameters: number; contextLength: number }): number | null {
  const member = nearest(parameters);
  if (distance(member.parameters, parameters) > Math.log(SAME)) return null;
  return member.trained === 1e12 && contextLength >= SECOND_CONTEXT ? SECOND_TRAINED : member.trained;
}

function nearest(parameters: number): Member {
  return FAMILY.reduce((best, member) =>
    distance(member.parameters, parameters) < distance(best.parameters, parameters) ? member : best,
  );
}

function distance(a: number, b: number): number {
  return Math.abs(Math.log(a / b));
}
