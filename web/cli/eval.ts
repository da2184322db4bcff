// `npm run eval -- --task file --model file`: the page's evaluation without a page. Asks the questions of a task, or takes the perplexity of
// a text, on the WASM engine in Node; beside the paper's figures, and beside another model's where `--against` names one.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import type { Distributions } from "../../workers/engine/base/score.ts";
import { compare, type Comparison } from "../../workers/engine/evaluate/compare.ts";
import { countResults, evaluate, type EvaluateOptions } from "../../workers/engine/evaluate/evaluate.ts";
import { FORMAT_NAMES } from "../../workers/engine/evaluate/index.ts";
import { PAPER_MODELS, paperColumn } from "../../workers/engine/evaluate/paper.ts";
import type { Reference } from "../../workers/engine/evaluate/perplexity.ts";
import { isFormat, readTask } from "../../workers/engine/evaluate/read.ts";
import { toCsv, toJson, type RunFacts } from "../../workers/engine/evaluate/report.ts";
import type { Result } from "../../workers/engine/evaluate/result.ts";
import { NORMALIZATIONS, summarize, type Estimate } from "../../workers/engine/evaluate/summary.ts";
import type { Normalization, QuestionTask, Task } from "../../workers/engine/evaluate/task.ts";
import { openJudge } from "./judge.ts";

const USAGE = `Usage: npm run eval -- --task questions.jsonl|text.txt --model model.gguf|folder of an ONNX model
  --against model.gguf     another model on the same questions: difference of answers, KL divergence
  --shots 5                examples before each question: the first of --examples file, or of the task itself
  --normalization way      ${NORMALIZATIONS.join(" | ")}; default: the paper's
  --format name            ${FORMAT_NAMES.join(" | ")}; default: by the first row
  --limit 100              at most so many questions or windows
  --window 512             tokens of a window of a text
  --threads 2  --context 2048
  --progress file.jsonl    keeps each result there as it comes, and goes on from what is there
  --json file  --csv file  what came of it`;

const { values } = parseArgs({
  options: {
    task: { type: "string" },
    model: { type: "string" },
    against: { type: "string" },
    shots: { type: "string", default: "0" },
    examples: { type: "string" },
    normalization: { type: "string" },
    format: { type: "string" },
    limit: { type: "string" },
    window: { type: "string", default: "512" },
    threads: { type: "string" },
    context: { type: "string", default: "2048" },
    progress: { type: "string" },
    json: { type: "string" },
    csv: { type: "string" },
  },
});

/** A run that was done, or read from its progress. */
interface Run {
  readonly facts: RunFacts;
  readonly results: readonly Result[];
}

if (!values.task || !values.model) {
  console.error(USAGE);
  process.exit(2);
}
try {
  await main(values.task, values.model);
} catch (error) {
  const { message, hint = "" } = error as { message: string; hint?: string };
  console.error(`${message} ${hint}`.trim());
  process.exitCode = 1;
}

async function main(taskFile: string, modelFile: string): Promise<void> {
  const task = readFileTask(taskFile);
  const kept = new Map<number, Distributions>();
  let other: Run | null = null;
  if (values.against) {
    const keep = async (index: number, distributions: Distributions): Promise<void> => void kept.set(index, distributions);
    const keeping = task.kind === "text" ? { read: () => Promise.resolve(null), keep } : null;
    other = await run(task, values.against, keeping, null);
  }
  const reference = other && task.kind === "text" ? { read: async (index: number) => kept.get(index) ?? null, keep: null } : null;
  const made = await run(task, modelFile, reference, values.progress ?? null);
  if (other) console.log(against(other, made));
  if (values.json) writeFileSync(values.json, toJson(made.facts, made.results));
  if (values.csv) writeFileSync(values.csv, toCsv(made.facts, made.results));
}

async function run(task: Task, path: string, reference: Reference | null, progress: string | null): Promise<Run> {
  const judge = await openJudge(path, { ...(values.threads && { threads: whole("threads") }), contextLength: whole("context") });
  const { info } = judge;
  const results: Result[] = progress && existsSync(progress) ? readLines(progress) : [];
  const options: EvaluateOptions = {
    done: results.length,
    limit: values.limit ? whole("limit") : null,
    shots: whole("shots"),
    examples: values.examples ? questionsIn(values.examples) : null,
    normalization: normalizationFor(task),
    window: whole("window"),
    reference,
  };
  const facts: RunFacts = {
    task: {
      name: task.name,
      format: task.kind === "text" ? "text" : task.format.title,
      questions: await countResults(judge, task, options),
    },
    model: { name: info.name, quantization: info.quantization, backend: info.backend, tier: info.tier },
    settings: {
      normalization: normalizationFor(task),
      shots: whole("shots"),
      window: whole("window"),
      limit: options.limit ?? null,
    },
  };
  console.log(
    `\n${facts.task.name} (${facts.task.format}), ${basename(path)}: ${info.name}, ${info.quantization}, ${info.backend} ${info.tier}`,
  );
  const began = performance.now();
  for await (const result of evaluate(judge, task, options)) {
    results.push(result);
    if (progress) appendFileSync(progress, `${JSON.stringify(result)}\n`);
    if (process.stderr.isTTY) process.stderr.write(`\r${results.length} / ${facts.task.questions} `);
  }
  if (process.stderr.isTTY) process.stderr.write("\r");
  console.log(figures({ facts, results }, (performance.now() - began) / 1000));
  await judge.close();
  return { facts, results };
}

function figures({ facts, results }: Run, seconds: number): string {
  const { metric, estimate, byNormalization, shortened } = summarize(results, facts.settings.normalization);
  const column = metric === "perplexity" ? null : paperColumn(facts.task.name, facts.settings.shots);
  const lines = [
    `  ${metric.padEnd(14)} ${metric === "perplexity" ? plain(estimate) : percent(estimate)}   (${estimate.count} ${metric === "perplexity" ? "tokens" : "questions"}, ${seconds.toFixed(0)} s)`,
    ...Object.entries(byNormalization).map(([way, each]) => `    ${way.padEnd(12)} ${percent(each)}`),
    ...(shortened > 0 ? [`  ${shortened} contexts were shortened to fit`] : []),
  ];
  if (column) {
    lines.push(
      `  the paper, table ${column.table}, ${column.title}${column.shots === null ? "" : `, ${column.shots} examples`}:`,
    );
    lines.push(...PAPER_MODELS.map((model, index) => `    ${model.padEnd(12)} ${column.values[index]?.toFixed(1) ?? "–"} %`));
  }
  return lines.join("\n");
}

/** The second model beside the first. */
function against(first: Run, second: Run): string {
  const found: Comparison | null = compare(first.results, second.results, second.facts.settings.normalization);
  if (!found) return "Nothing to compare.";
  const { difference, table, agreement, divergence } = found;
  const text = second.results[0]?.kind === "text";
  return [
    `\n${second.facts.model.quantization} against ${first.facts.model.quantization}:`,
    `  difference     ${text ? `${plain(difference)} in ln(perplexity)` : percent(difference)}`,
    ...(table
      ? [
          `  right          both ${table.both}, only the first ${table.first}, only the second ${table.second}, neither ${table.neither}`,
        ]
      : []),
    ...(agreement === null ? [] : [`  same ${text ? "best token" : "answer   "} ${(agreement * 100).toFixed(2)} %`]),
    ...(divergence
      ? [`  KL divergence  ${divergence.value.toExponential(3)} ± ${divergence.standardError.toExponential(1)} nats`]
      : []),
  ].join("\n");
}

function readFileTask(path: string): Task {
  const { format } = values;
  if (format !== undefined && !isFormat(format))
    throw new Error(`There is no format ${format}. Known: ${FORMAT_NAMES.join(", ")}.`);
  return readTask(basename(path), readFileSync(path, "utf8"), format);
}

function questionsIn(path: string): QuestionTask {
  const task = readFileTask(path);
  if (task.kind === "text") throw new Error(`${path} has no questions.`);
  return task;
}

function normalizationFor(task: Task): Normalization {
  const given = values.normalization;
  const found = NORMALIZATIONS.find((way) => way === given);
  if (given && !found) throw new Error(`There is no normalization ${given}. Known: ${NORMALIZATIONS.join(", ")}.`);
  return found ?? (task.kind === "text" ? "none" : task.format.normalization);
}

function whole(name: "shots" | "limit" | "window" | "threads" | "context"): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is ${values[name] ?? "missing"}; it has to be a whole number.`);
}

/** Results as they were kept: ours, so taken at their word. */
function readLines(path: string): Result[] {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line): Result => JSON.parse(line));
}

function percent({ value, standardError }: Estimate): string {
  return `${(value * 100).toFixed(2)} ± ${(standardError * 100).toFixed(2)} %`;
}

function plain({ value, standardError }: Estimate): string {
  return `${value.toFixed(4)} ± ${standardError.toFixed(4)}`;
}
