// What the LLaMA paper reports, to stand beside what is measured here. In percent.
// Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", arXiv 2302.13971: tables 3 (common sense), 4 and 5
// (questions, by number of examples), 6 (RACE), 7 (GSM8K), 9 (MMLU, 5 examples).

/** The models of the paper, and the one it measures itself by. */
export const PAPER_MODELS = ["LLaMA 7B", "LLaMA 13B", "LLaMA 33B", "LLaMA 65B", "GPT-3 175B"] as const;

/** A column of a table. */
export interface PaperColumn {
  readonly title: string;
  readonly table: number;
  /** Examples before each question; null where the paper does not say. */
  readonly shots: number | null;
  /** In the order of PAPER_MODELS; null where the paper has none. */
  readonly values: readonly (number | null)[];
}

const column = (title: string, table: number, shots: number | null, values: readonly (number | null)[]): PaperColumn => ({
  title,
  table,
  shots,
  values,
});

/** Tasks by what their files are usually called. */
const TASKS: readonly (readonly [RegExp, readonly PaperColumn[]])[] = [
  [/boolq/, [column("BoolQ", 3, 0, [76.5, 78.1, 83.1, 85.3, 60.5])]],
  [/piqa/, [column("PIQA", 3, 0, [79.8, 80.1, 82.3, 82.8, 81.0])]],
  [/siqa|social/, [column("SIQA", 3, 0, [48.9, 50.4, 50.4, 52.3, null])]],
  [/hella/, [column("HellaSwag", 3, 0, [76.1, 79.2, 82.8, 84.2, 78.9])]],
  [/winogrande/, [column("WinoGrande", 3, 0, [70.1, 73.0, 76.0, 77.0, 70.2])]],
  [/arc[^a-z]*(e|easy)([^a-z]|$)/, [column("ARC easy", 3, 0, [72.8, 74.8, 80.0, 78.9, 68.8])]],
  [/arc[^a-z]*(c|challenge)([^a-z]|$)/, [column("ARC challenge", 3, 0, [47.6, 52.7, 57.8, 56.0, 51.4])]],
  [/obqa|openbook/, [column("OpenBookQA", 3, 0, [57.2, 56.4, 58.6, 60.2, 57.6])]],
  [
    /natural|(^|[^a-z])nq/,
    [
      column("Natural Questions", 4, 0, [16.8, 20.1, 24.9, 23.8, 14.6]),
      column("Natural Questions", 4, 1, [18.7, 23.4, 28.3, 31.0, 23.0]),
      column("Natural Questions", 4, 5, [22.0, 28.1, 32.9, 35.0, null]),
      column("Natural Questions", 4, 64, [26.1, 31.9, 36.0, 39.9, 29.9]),
    ],
  ],
  [
    /trivia/,
    [
      column("TriviaQA", 5, 0, [50.0, 56.6, 65.1, 68.2, null]),
      column("TriviaQA", 5, 1, [53.4, 60.5, 67.9, 71.6, null]),
      column("TriviaQA", 5, 5, [56.3, 63.1, 69.9, 72.6, null]),
      column("TriviaQA", 5, 64, [57.6, 64.0, 70.4, 73.0, null]),
    ],
  ],
  [/race.*mid|middle/, [column("RACE middle", 6, 0, [61.1, 61.6, 64.1, 67.9, 58.4])]],
  [/race.*high/, [column("RACE high", 6, 0, [46.9, 47.2, 48.3, 51.6, 45.5])]],
  [/gsm/, [column("GSM8K", 7, null, [11.0, 17.8, 35.6, 50.9, null])]],
  [/mmlu/, [column("MMLU, average", 9, 5, [35.1, 46.9, 57.8, 63.4, 43.9])]],
];

/** The paper's column for a task by the name of its file, with the nearest number of examples; null where the paper has none. */
export function paperColumn(name: string, shots: number): PaperColumn | null {
  const columns = TASKS.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1] ?? [];
  const distance = (candidate: PaperColumn): number => Math.abs((candidate.shots ?? shots) - shots);
  const nearest = [...columns].sort((a, b) => distance(a) - distance(b));
  return nearest[0] ?? null;
}
