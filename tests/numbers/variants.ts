// The trained models that backends are measured on. What a fresh clone can't have (../shared) is left out there.
import { join } from "node:path";
import { all, derive, GOLDEN, MIXED, type Recipe, SMOLLM2, UNTIED } from "../golden/models.ts";
import { PROSE, STORY } from "./tasks.ts";
import type { Task } from "./truth.ts";

export interface Variant {
  readonly name: string;
  readonly task: Task;
  /** True where no matrix is quantized: every backend must then be as exact as floats are. */
  readonly float: boolean;
  /** True for SmolLM2, for whose tokens a software GPU takes a second each. */
  readonly large: boolean;
  /** True where it is measured by `npm test`, not only by `npm run test:long`. */
  readonly quick: boolean;
  /** Finds or makes the file. */
  file(): Promise<string>;
}

export const LONG = process.env["CRIA_LONG"] === "1";

/** SmolLM2-135M-Instruct: byte-level BPE, 9 heads over 3, tied embedding; Q4_1 with a Q8_0 embedding. */
const smollm2: Variant[] = SMOLLM2
  ? [
      of("SmolLM2 Q4_1", PROSE, true, async () => SMOLLM2!),
      smollm2As({ ...MIXED }, true), // untied output, nine types of weights
      smollm2As(all("F16"), true),
      smollm2As(UNTIED, false),
      smollm2As(all("Q4_0"), false),
      smollm2As(all("Q5_0"), false),
      smollm2As(all("Q8_0"), false),
      smollm2As(all("BF16"), false),
      smollm2As(all("F32"), false),
    ]
  : [];

/** stories260K: SentencePiece, 8 heads over 4, tied embedding, rows of 172 that stay F16. */
const stories: Variant[] = GOLDEN
  ? [
      ...["f32", "f16", "q8_0", "q4_0"].map((type) =>
        of(`stories260K ${type}`, STORY, true, async () => join(GOLDEN!, `stories260K.${type}.gguf`)),
      ),
      ...[all("Q4_1"), all("Q5_0"), all("Q5_1"), all("BF16")].map((recipe) =>
        of(`stories260K ${recipe.name}`, STORY, true, () => derive(join(GOLDEN!, "stories260K.f32.gguf"), recipe)),
      ),
    ]
  : [];

export const VARIANTS: readonly Variant[] = [...smollm2, ...stories].filter(({ quick }) => quick || LONG);

function smollm2As(recipe: Recipe, quick: boolean): Variant {
  return of(`SmolLM2 ${recipe.name}`, PROSE, quick, () => derive(SMOLLM2!, recipe));
}

function of(name: string, task: Task, quick: boolean, file: () => Promise<string>): Variant {
  return { name, task, large: task === PROSE, quick, file, float: /F32|F16|BF16/i.test(name) };
}
