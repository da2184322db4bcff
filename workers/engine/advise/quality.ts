// Which model is better, as far as its numbers tell: the loss its size and training let expect, and what its quantization adds.
// Sources: Hoffmann et al., "Training Compute-Optimal Large Language Models", equation 10, for size and training; the perplexities that
// llama.cpp's tools/quantize/quantize.cpp gives for Llama-3-8B, for quantization. Neither knows of tuning for chat, nor of data.

/** Perplexity of Llama-3-8B unquantized, and what each quantization adds to it. */
const PERPLEXITY = 6.2332;
const ADDED: Readonly<Record<string, number>> = {
  Q2_K: 3.5199,
  Q2_K_S: 3.1836,
  Q3_K_S: 1.6321,
  Q3_K_M: 0.6569,
  Q3_K_L: 0.5562,
  Q4_0: 0.4685,
  Q4_1: 0.4511,
  Q4_K_S: 0.2689,
  Q4_K_M: 0.1754,
  Q5_0: 0.1316,
  Q5_1: 0.1062,
  Q5_K_S: 0.1049,
  Q5_K_M: 0.0569,
  Q6_K: 0.0217,
  Q8_0: 0.0026,
  F16: 0,
  BF16: 0,
  F32: 0,
};

/** For quantizations that the table does not have: [bits a weight of Llama-3-8B's files, added perplexity]. */
const BY_BITS: readonly (readonly [bits: number, added: number])[] = [
  [1.6, 20],
  [2.96, 3.5199],
  [3.41, 1.6321],
  [3.74, 0.6569],
  [4.37, 0.2689],
  [4.58, 0.1754],
  [5.33, 0.0569],
  [6.14, 0.0217],
  [7.96, 0.0026],
  [16, 0],
];

/** Training of the first LLaMA, for models that do not say. */
const USUAL_TOKENS = 1e12;

/** Expected loss in nats a token. Less is better. */
export function expectedLoss(model: {
  readonly parameters: number;
  readonly trainedTokens: number | null;
  readonly quantization: string;
  readonly sizeBytes: number;
}): number {
  const { parameters, trainedTokens, quantization, sizeBytes } = model;
  const learned = 1.69 + 406.4 / parameters ** 0.34 + 410.7 / (trainedTokens ?? USUAL_TOKENS) ** 0.28;
  return learned + quantizationLoss(quantization, (8 * sizeBytes) / parameters);
}

/** Nats a token that a quantization adds. `bits` a weight decide where its name is not in the table. */
export function quantizationLoss(quantization: string, bits: number): number {
  const added = ADDED[quantization] ?? ADDED[quantization.replace(/_XL$/, "_L")] ?? ADDED[`${quantization}_M`] ?? byBits(bits);
  return Math.log(1 + added / PERPLEXITY);
}

function byBits(bits: number): number {
  const above = BY_BITS.findIndex(([of]) => of >= bits);
  if (above < 0) return 0;
  if (above === 0) return BY_BITS[0]![1];
  const [[low, most], [high, least]] = [BY_BITS[above - 1]!, BY_BITS[above]!];
  return most + ((bits - low) / (high - low)) * (least - most);
}
