// The formats of task files, one line each; of those that match a file's first row, the first is taken.
import { gsm8k, openQuestions } from "./answers.ts";
import { arc, boolQ, hellaSwag, mmlu, openBookQa, piqa, prepared, race, siqa, winoGrande } from "./choices.ts";

export const FORMATS = {
  prepared,
  openBookQa,
  arc,
  piqa,
  hellaSwag,
  winoGrande,
  boolQ,
  siqa,
  race,
  mmlu,
  gsm8k,
  openQuestions,
} as const;

export type FormatName = keyof typeof FORMATS;

export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS);
