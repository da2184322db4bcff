// What a prediction means to a person: a tone for its dot, and few words.
import type { Advice, Budget, Prediction } from "../../workers/engine/base/advice.ts";
import { formatBytes, formatRate } from "./format.ts";
import { usualPrediction } from "./recommend.ts";

/** good: runs well. slow: runs, slower than wanted. tight: might run. no: does not fit. */
export type Tone = "good" | "slow" | "tight" | "no";

export interface Forecast {
  readonly tone: Tone;
  /** "96 tokens/s", "too large for this device". */
  readonly text: string;
  /** Where it would run; null where it would not. */
  readonly prediction: Prediction | null;
}

/** What to say of a model in one line. */
export function forecastOf(advice: Advice, { memoryBytes, tokensPerSecond }: Budget): Forecast {
  const prediction = usualPrediction(advice);
  if (!prediction) {
    const need = advice.predictions[0]?.memoryBytes;
    return { tone: "no", text: need ? `needs ${formatBytes(need)} of memory` : "does not run here", prediction: null };
  }
  const text = `${formatRate(prediction.tokensPerSecond)} tokens/s`;
  if (prediction.fit === "tight") return { tone: "tight", text: `${text}, barely fits`, prediction };
  if (prediction.memoryBytes > (memoryBytes ?? Infinity)) return { tone: "tight", text: `${text}, over your limit`, prediction };
  return { tone: prediction.tokensPerSecond < tokensPerSecond ? "slow" : "good", text, prediction };
}

/** "0.2 s", "14 s", "3 min". */
export function formatWait(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) return `${seconds < 0.095 ? "0.1" : seconds.toFixed(1)} s`;
  return seconds < 99.5 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
