// The trained models that backends are measured on. What a fresh clone can't have (../shared) is left out there.
import { join } from "node:path";
import type { BackendInfo } from "../../workers/engine/base/backend.ts";
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
  /** The backends that `npm test` measures it on; `npm run test:long` measures it on both. */
  readonly quick: readonly BackendInfo["backend"][];
  /** Finds or makes the file. */
  file(): Promise<string>;
}

export const LONG = process.env["CRIA_LONG"] === "1";

const BOTH = ["wasm", "webgpu"] as const;
const WASM = ["wasm"] as const;
const LATER = [] as const;

/** SmolLM2-135M-Instruct: byte-level BPE, 9 heads over 3, tied embedding; Q4_1 with a Q8_0 embedding. */
const smollm2: Variant[] = SMOLLM2
  ? [
      of("SmolLM2 Q4_1", PROSE, BOTH, async () => SMOLLM2!),
      smollm2As(MIXED, BOTH), // a head of its own, eight types of weights
      smollm2As(all("F16"), WASM),
      smollm2As(UNTIED, LATER),
      smollm2As(all("Q4_0"), LATER),
      smollm2As(all("Q5_0"), LATER),
      smollm2As(all("Q8_0"), LATER),
      smollm2As(all("BF16"), LATER),
      smollm2As(all("F32"), LATER),
    ]
  : [];

/** stories260K: SentencePiece, 8 heads over 4, tied embedding, rows of 172 that stay F16. */
const stories: Variant[] = GOLDEN
  ? [
      storiesIn("f32", BOTH),
      storiesIn("f16", WASM),
      storiesIn("q8_0", WASM),
      storiesIn("q4_0", BOTH),
      storiesAs(all("Q4_1"), WASM),
      storiesAs(all("Q5_0"), WASM),
      storiesAs(all("Q5_1"), BOTH),
      storiesAs(all("BF16"), WASM),
    ]
  : [];

/** The variants to measure a backend on in this run. */
export function variantsFor(backend: BackendInfo["backend"]): readonly Variant[] {
  return [...smollm2, ...stories].filter(({ quick }) => LONG || quick.includes(backend));
}

function smollm2As(recipe: Recipe, quick: Variant["quick"]): Variant {
  return of(`SmolLM2 ${recipe.name}`, PROSE, quick, () => derive(SMOLLM2!, recipe));
}

function storiesIn(type: string, quick: Variant["quick"]): Variant {
  return of(`stories260K ${type}`, STORY, quick, async () => join(GOLDEN!, `stories260K.${type}.gguf`));
}

function storiesAs(recipe: Recipe, quick: Variant["quick"]): Variant {
  return of(`stories260K ${recipe.name}`, STORY, quick, () => derive(join(GOLDEN!, "stories260K.f32.gguf"), recipe));
}

function of(name: string, task: Task, quick: Variant["quick"], file: Variant["file"]): Variant {
  return { name, task, large: task === PROSE, quick, file, float: /F32|F16|BF16/i.test(name) };
}
