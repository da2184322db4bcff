// Tasks as they are published, asked of a model whose likelihoods are known, and the figures made of the results.
import { describe, expect, it } from "vitest";
import { matchesExactly, normalizeAnswer } from "../../../../workers/engine/evaluate/answers.ts";
import { compare } from "../../../../workers/engine/evaluate/compare.ts";
import { countResults, evaluate, type EvaluateOptions } from "../../../../workers/engine/evaluate/evaluate.ts";
import { paperColumn } from "../../../../workers/engine/evaluate/paper.ts";
import { readTask } from "../../../../workers/engine/evaluate/read.ts";
import type { Result } from "../../../../workers/engine/evaluate/result.ts";
import { isRight, perplexity, share, summarize } from "../../../../workers/engine/evaluate/summary.ts";
import type { QuestionTask, Task } from "../../../../workers/engine/evaluate/task.ts";
import { smallCria, SmallBackend } from "./small.ts";

const lines = (...rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

async function all(task: Task, options: EvaluateOptions = {}, cria = smallCria()): Promise<Result[]> {
  const results: Result[] = [];
  for await (const result of evaluate(cria, task, options)) results.push(result);
  return results;
}

function questions(file: string, ...rows: readonly object[]): QuestionTask {
  const task = readTask(file, lines(...rows));
  if (task.kind === "text") throw new Error("A text.");
  return task;
}

describe("task files", () => {
  it.each([
    ["prepared", { query: "Question: Q?\n", choices: ["x", "y"], gold: 1 }, "Question: Q?\nAnswer:", [" x", " y"], 1],
    [
      "arc",
      { question: "Q?", choices: { text: ["x", "y"], label: ["1", "2"] }, answerKey: "2" },
      "Question: Q?\nAnswer:",
      [" x", " y"],
      1,
    ],
    [
      "arc",
      { question: { stem: "Q?", choices: [{ text: "x", label: "A" }, { text: "y", label: "B" }] }, answerKey: "A" }, // prettier-ignore
      "Question: Q?\nAnswer:",
      [" x", " y"],
      0,
    ],
    [
      "openbookqa",
      { question_stem: "The sun is", choices: { text: ["hot", "cold"], label: ["A", "B"] }, answerKey: "A" },
      "The sun is",
      [" hot", " cold"],
      0,
    ],
    ["piqa", { goal: "Boil", sol1: "heat", sol2: "cool", label: 0 }, "Question: Boil\nAnswer:", [" heat", " cool"], 0],
    [
      "hellaswag",
      {
        activity_label: "Cooking",
        ctx_a: "A man cuts. [title]",
        ctx_b: "he",
        endings: ["eats. [step] Now", "flies."],
        label: "0",
      },
      "Cooking: A man cuts.. He",
      [" eats. Now", " flies."],
      0,
    ],
    ["boolq", { passage: "P.", question: "is it so", answer: true }, "P.\nQuestion: is it so?\nAnswer:", [" no", " yes"], 1],
    [
      "siqa",
      { context: "C.", question: "Why?", answerA: "x", answerB: "y", answerC: "z", label: "3" },
      "Q: C. Why?\nA:",
      [" x", " y", " z"],
      2,
    ],
    [
      "race",
      { article: "T.", question: "Q?", options: ["x", "y"], answer: "B" },
      "Article: T.\n\nQuestion: Q?\nAnswer:",
      [" x", " y"],
      1,
    ],
    ["mmlu", { question: "Q?", choices: ["x", "y"], answer: 1 }, "Q?\nA. x\nB. y\nAnswer:", [" A", " B"], 1],
  ])("reads %s and asks as the harness does", (name, row, context, continuations, gold) => {
    const [item] = questions(`${name}.jsonl`, row).items;
    if (item?.kind !== "choice") throw new Error("No choices.");
    expect(item.options.map((option) => option.continuation)).toEqual(continuations);
    expect(new Set(item.options.map((option) => option.context))).toEqual(new Set([context]));
    expect(item.gold).toBe(gold);
  });

  it("fills WinoGrande's blank in the context, and judges what follows it", () => {
    const [item] = questions("w.jsonl", {
      sentence: "Ann met Eve, as _ was near.",
      option1: "Ann",
      option2: "Eve",
      answer: "2",
    }).items;
    expect(item).toMatchObject({
      options: [
        { context: "Ann met Eve, as Ann", continuation: " was near." },
        { context: "Ann met Eve, as Eve", continuation: " was near." },
      ],
      gold: 1,
    });
  });

  it.each([
    [{ question: "Who?", answer: ["Ann", "Anne"] }, ["Ann", "Anne"]],
    [{ Question: "Who?", Answer: { Value: "Ann", Aliases: ["Anne"], NormalizedAliases: ["ann"] } }, ["Ann", "Anne"]],
    [{ context: "Question: Who?", answer: "Ann", aliases: ["Anne"] }, ["Ann", "Anne"]],
  ])("reads questions that are answered in words", (row, accepted) => {
    expect(questions("nq.jsonl", row).items[0]).toMatchObject({ context: "Q: Who?\nA:", accepted, shown: "Ann" });
  });

  it("takes a list in one JSON value, a byte order mark, and names the line that is wrong", () => {
    const row = { query: "Q", choices: ["x"], gold: 0 };
    expect(readTask("t.json", `\ufeff${JSON.stringify({ data: [row, row] })}`)).toMatchObject({ name: "t", kind: "choice" });
    expect(() => readTask("t.jsonl", `${lines(row)}\n{"query":`)).toThrow("Line 2 of t.jsonl is no JSON");
    expect(() => questions("t.jsonl", row, { ...row, gold: 7 })).toThrow('Line 2 of t.jsonl says "gold" is 7, and has 1 choices');
    expect(() => readTask("t.jsonl", '{"some": 1}')).toThrow("no format known");
    expect(readTask("war.txt", "[Chapter 1]\nWell, Prince")).toEqual({
      kind: "text",
      name: "war",
      text: "[Chapter 1]\nWell, Prince",
    });
  });
});

describe("choosing", () => {
  // The small model's letters: "Answer:" and spaces have no tokens in its vocabulary, so that only a, b, c count.
  const row = (choices: readonly string[], gold: number): object => ({ question_stem: "a", choices: { text: choices, label: ["A", "B"] }, answerKey: "AB"[gold] }); // prettier-ignore

  it("takes the likeliest, per character where that is asked, and keeps what every other way needs", async () => {
    const task = questions("x.jsonl", row(["c", "cbbb"], 0));
    const [result] = await all(task, { normalization: "none" });
    if (result?.kind !== "choice") throw new Error("No choices.");
    expect(result.options.map(({ characters, tokens }) => [characters, tokens])).toEqual([[1, 1], [4, 4]]); // prettier-ignore
    expect(result.options[0]!.logprob).toBeCloseTo(-0.4076, 3); // 2 - log(1 + e + e²)
    expect(isRight(result, "none")).toBe(true);
    const { byNormalization, estimate } = summarize([result], "characters");
    expect(Object.keys(byNormalization)).toEqual(["characters", "none"]);
    expect(estimate.value).toBe(1);
  });

  it("goes on where it was, and leaves its examples out", async () => {
    const task = questions("x.jsonl", row(["a", "b"], 0), row(["b", "c"], 1), row(["c", "a"], 0), row(["a", "c"], 1));
    const whole = await all(task, { normalization: "characters", shots: 1 });
    expect(whole.map(({ index }) => index)).toEqual([1, 2, 3]);
    const rest = await all(task, { normalization: "characters", shots: 1, done: 2 });
    expect(rest).toEqual(whole.slice(2));
    expect(await countResults(smallCria(), task, { shots: 1, limit: 2 })).toBe(2);
    await expect(all(task, { shots: 5 })).rejects.toMatchObject({ code: "bad_request" });
  });
});

describe("answers in words", () => {
  it("are the same but for case, articles, punctuation and spaces", () => {
    expect(normalizeAnswer(" The  Beatles! ")).toBe("beatles");
    expect(matchesExactly("the U.S.", ["United States", "US"])).toBe(true);
    expect(matchesExactly("Paris, France", ["Paris"])).toBe(false);
  });

  it("end at the first line break, comma or full stop; examples and the paper's line come first", async () => {
    const rows = [
      { question: "One?", answer: ["uno"] },
      { question: "Two?", answer: ["dos", "3.5"] },
    ];
    let asked = "";
    const cria = smallCria(new SmallBackend(), (prompt) => ((asked = prompt), " The 3.5, of course.\nQ: More?"));
    const [result] = await all(questions("nq.jsonl", ...rows), { shots: 1 }, cria);
    expect(asked).toBe("Answer these questions:\nQ: One?\nA: uno\nQ: Two?\nA:");
    expect(result).toMatchObject({ said: "The 3.5", right: true });
  });

  it("of GSM8K are numbers", async () => {
    const task = questions("gsm8k.jsonl", { question: "How many?", answer: "She has <<2*21=42>>42.\n#### 1,042" });
    const right = smallCria(new SmallBackend(), () => " 1000 and 42 are 1,042.0");
    expect((await all(task, {}, right))[0]).toMatchObject({ said: "1042", right: true });
  });
});

describe("perplexity", () => {
  const text: Task = { kind: "text", name: "t", text: "abcabcabcabcab" };

  it("judges the second half of each window, and drops what fills none", async () => {
    const results = await all(text, { window: 6 });
    expect(results.map((result) => result.kind === "text" && result.tokens)).toEqual([2, 2]);
    // Place 4 on: "b" after "a", "c" after "b": logits 1 and (2 + 1) mod 3 = 0.
    const total = Math.log(1 + Math.E + Math.E ** 2);
    expect(results[0]).toMatchObject({ logprob: expect.closeTo(1 - total + (0 - total), 5) as number });
  });

  it("judges a short text from its second token on", async () => {
    const [result] = await all(text, { window: 512 });
    expect(result).toMatchObject({ kind: "text", tokens: 13 });
  });

  it("compares with another model's distributions, window by window", async () => {
    const kept = new Map<number, never>();
    const keep = { read: async () => null, keep: async (index: number, value: unknown) => void kept.set(index, value as never) };
    const first = await all(text, { window: 6, reference: keep });
    const read = { read: async (index: number) => kept.get(index) ?? null, keep: null };
    const second = await all(text, { window: 6, reference: read }, smallCria(new SmallBackend(100, 0.5)));
    const found = compare(first, second, "none")!;
    expect(found.divergence!.value).toBeCloseTo(0.0603, 3);
    expect(found.agreement).toBe(1);
    expect(found.difference.value).toBeCloseTo(meanLoss(0.5) - meanLoss(1), 5);
  });

  /** Mean loss at "b" after "a" and "c" after "b". */
  function meanLoss(sharpness: number): number {
    const total = Math.log(1 + Math.exp(sharpness) + Math.exp(2 * sharpness));
    return (total - sharpness + (total - 0)) / 2;
  }

  it("has the error of the mean loss, carried through exp", () => {
    const window = { kind: "text", index: 0, tokens: 4, logprob: -8, squares: 20, divergence: null } as const;
    const { value, standardError } = perplexity([window]);
    expect(value).toBeCloseTo(Math.exp(2), 5);
    expect(standardError).toBeCloseTo(Math.exp(2) * Math.sqrt((5 - 4) / 3), 5);
  });
});

describe("figures", () => {
  it("carry the standard error of a share", () => {
    expect(share([true, true, true, false])).toEqual({ value: 0.75, standardError: Math.sqrt((0.75 * 0.25) / 3), count: 4 });
  });

  it("of two models are paired, question by question", () => {
    const result = (index: number, gold: number, ...logprobs: number[]): Result => ({
      kind: "choice",
      index,
      gold,
      dropped: 0,
      options: logprobs.map((logprob) => ({ logprob, tokens: 1, characters: 1, afterAnswer: null })),
    });
    const first = [result(0, 0, -1, -2), result(1, 0, -1, -2), result(2, 0, -2, -1), result(3, 0, -1, -1)];
    const second = [result(0, 0, -1, -2), result(1, 0, -2, -1), result(2, 0, -2, -1), result(4, 0, -1, -1)];
    const found = compare(first, second, "none")!;
    expect(found.table).toEqual({ both: 1, first: 1, second: 0, neither: 1 });
    expect(found.agreement).toBeCloseTo(2 / 3, 5);
    expect(found.difference.value).toBeCloseTo(-1 / 3, 5);
    // Question 1: p = (σ(1), σ(-1)), q the other way round: KL = tanh(1/2).
    expect(found.divergence!.value).toBeCloseTo(Math.tanh(0.5) / 3, 5);
  });

  it("of the paper are found by the name of a file and the number of examples", () => {
    expect(paperColumn("arc_easy", 0)).toMatchObject({ title: "ARC easy", values: [72.8, 74.8, 80, 78.9, 68.8] });
    expect(paperColumn("ARC-Challenge-Test", 0)?.title).toBe("ARC challenge");
    expect(paperColumn("nq_open", 4)).toMatchObject({ shots: 5 });
    expect(paperColumn("my questions", 0)).toBeNull();
  });
});
