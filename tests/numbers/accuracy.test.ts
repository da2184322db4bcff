// The evaluation finds a model as good as llama.cpp's likelihoods say it is: the same options, the same accuracy.
// A sample here; every question of both tasks under CRIA_LONG=1.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openJudge } from "../../web/cli/judge.ts";
import { random } from "../../workers/engine/base/random.ts";
import { compare } from "../../workers/engine/evaluate/compare.ts";
import { evaluate } from "../../workers/engine/evaluate/evaluate.ts";
import { readTask } from "../../workers/engine/evaluate/read.ts";
import type { Result } from "../../workers/engine/evaluate/result.ts";
import { summarize } from "../../workers/engine/evaluate/summary.ts";
import type { QuestionTask } from "../../workers/engine/evaluate/task.ts";
import { SMOLLM2 } from "../golden/models.ts";
import { judgedByLlamaCpp } from "./judged.ts";

const FOLDER = join(import.meta.dirname, "../../../shared/eval");
const LONG = process.env["CRIA_LONG"] === "1";
const SAMPLE = Number(process.env["CRIA_QUESTIONS"] ?? 16);
const HOURS = 3_600_000;

const tasks = existsSync(FOLDER) && SMOLLM2 ? ["arc_easy", "piqa"] : [];

describe.skipIf(tasks.length === 0)("the evaluation of SmolLM2 135M", () => {
  let judge: Awaited<ReturnType<typeof openJudge>>;
  beforeAll(async () => {
    judge = await openJudge(SMOLLM2!, { threads: 1, contextLength: 1024 });
  });
  afterAll(() => judge.close());

  it.each(tasks)("is llama.cpp's on %s", { timeout: 3 * HOURS }, async (name) => {
    const task = readTask(`${name}.jsonl`, readFileSync(join(FOLDER, `${name}.jsonl`), "utf8"));
    if (task.kind === "text") throw new Error("No questions.");
    const places = LONG ? task.items.map((_, place) => place) : sample(task, SAMPLE);
    const right = await judgedByLlamaCpp(SMOLLM2!, task, places);
    const found = await ask(task, places);
    for (const normalization of ["characters", "none"] as const) {
      const [ours, theirs] = [summarize(found, normalization), summarize(right, normalization)];
      const { table, agreement } = compare(right, found, normalization)!;
      const [own, other] = [ours.estimate.value, theirs.estimate.value];
      console.log({ task: name, normalization, questions: places.length, own, llamaCpp: other, agreement, ...table });
      // One question in a hundred; of a sample of less, one.
      expect(Math.abs(own - other)).toBeLessThanOrEqual(Math.max(0.01, 1 / places.length) + 1e-9);
    }
    // Two ways to round the same 4-bit weights' products: the means agree far better than any one likelihood.
    const perToken = found.flatMap((result, i) => differences(result, right[i]!));
    const bias = perToken.reduce((sum, difference) => sum + difference, 0) / perToken.length;
    expect(Math.abs(bias)).toBeLessThan(0.02);
  });

  /** Runs of neighbours at once: the evaluation asks in the order of the file. */
  async function ask(task: QuestionTask, places: readonly number[]): Promise<Result[]> {
    const chosen: QuestionTask = { ...task, items: places.map((place) => task.items[place]!) };
    const results: Result[] = [];
    for await (const result of evaluate(judge, chosen)) results.push({ ...result, index: places[result.index]! });
    return results;
  }
});

/** Differences of the mean logarithms of a token's likelihood, option by option. */
function differences(a: Result, b: Result): number[] {
  if (a.kind !== "choice" || b.kind !== "choice") return [];
  return a.options.map(({ logprob, tokens }, i) => {
    expect(tokens).toBe(b.options[i]!.tokens); // the two tokenizers cut alike
    return (logprob - b.options[i]!.logprob) / tokens;
  });
}

/** Different places of a task, the same in every run. */
function sample(task: QuestionTask, count: number): number[] {
  const order = task.items.map((_, place) => ({ place, key: random(7, place) }));
  const chosen = order.sort((a, b) => a.key - b.key).slice(0, count);
  return chosen.map(({ place }) => place).sort((a, b) => a - b);
}
