// The best model within a budget.
import type { Advice, Budget, Prediction } from "../../workers/engine/base/advice.ts";

/** How a model would be run: the first backend on which it fits, with room to spare if one has it; null where it fits nowhere. */
export function usualPrediction({ predictions }: Pick<Advice, "predictions">): Prediction | null {
  return predictions.find(({ fit }) => fit === "yes") ?? predictions.find(({ fit }) => fit === "tight") ?? null;
}

/** Whether a model stays within a budget. */
export function affords(advice: Pick<Advice, "predictions">, { memoryBytes, tokensPerSecond }: Budget): boolean {
  const prediction = usualPrediction(advice);
  if (prediction?.fit !== "yes") return false;
  return prediction.tokensPerSecond >= tokensPerSecond && prediction.memoryBytes <= (memoryBytes ?? Infinity);
}

/**
 * The model of the least expected loss within the budget. Where nothing is fast enough, the fastest of those that fit; null where none
 * fits.
 */
export function recommend<T extends Pick<Advice, "predictions" | "loss">>(models: readonly T[], budget: Budget): T | null {
  const affordable = models.filter((model) => affords(model, budget));
  if (affordable.length > 0) return affordable.reduce((best, model) => (model.loss < best.loss ? model : best));
  const fitting = models.filter((model) => affords(model, { ...budget, tokensPerSecond: 0 }));
  const speed = (model: T): number => usualPrediction(model)!.tokensPerSecond;
  return fitting.length === 0 ? null : fitting.reduce((best, model) => (speed(model) > speed(best) ? model : best));
}
