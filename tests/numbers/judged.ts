// The likelihoods that llama.cpp gives to the options of multiple-choice questions, on the model file as it is.
// Source: node-llama-cpp 3.21.1 with its prebuilt CPU library; it also cuts the texts into tokens, with its own tokenizer.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { getLlama, LlamaLogLevel, type LlamaContextSequence, type LlamaModel, type Token } from "node-llama-cpp";
import type { ChoiceResult } from "../../workers/engine/evaluate/result.ts";
import type { ChoiceItem, QuestionTask } from "../../workers/engine/evaluate/task.ts";

const CACHE = join(import.meta.dirname, "../../.cache/judged");

/** Results for the questions at these places of a task, in this order. Each is kept under .cache/judged as it comes. */
export async function judgedByLlamaCpp(file: string, task: QuestionTask, places: readonly number[]): Promise<ChoiceResult[]> {
  mkdirSync(CACHE, { recursive: true });
  const hash = createHash("sha256").update(`${basename(file)} ${statSync(file).size} ${JSON.stringify(task.items)}`);
  const path = join(CACHE, `${task.name}.${hash.digest("hex").slice(0, 16)}.jsonl`);
  const kept = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  const known = new Map(kept.map((line): [number, ChoiceResult] => [JSON.parse(line).index, JSON.parse(line)]));
  const missing = places.filter((place) => !known.has(place));
  if (missing.length > 0) {
    await withSequence(file, async (model, sequence) => {
      for (const index of missing) {
        const item = task.items[index];
        if (item?.kind !== "choice") throw new Error(`Question ${index} has no choices.`);
        const result = await judge(model, sequence, item, index);
        appendFileSync(path, `${JSON.stringify(result)}\n`);
        known.set(index, result);
      }
    });
  }
  return places.map((place) => known.get(place)!);
}

async function withSequence(
  file: string,
  work: (model: LlamaModel, sequence: LlamaContextSequence) => Promise<void>,
): Promise<void> {
  const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error, maxThreads: 1 });
  try {
    const model = await llama.loadModel({ modelPath: file });
    const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: 1, flashAttention: false });
    await work(model, context.getSequence());
    await model.dispose();
  } finally {
    await llama.dispose();
  }
}

async function judge(model: LlamaModel, sequence: LlamaContextSequence, item: ChoiceItem, index: number): Promise<ChoiceResult> {
  const options: ChoiceResult["options"][number][] = [];
  for (const { context, continuation } of item.options) {
    const before = tokenize(model, context);
    const whole = tokenize(model, context + continuation);
    if (before.some((token, i) => token !== whole[i])) throw new Error(`Question ${index}: a token reaches over the seam.`);
    const logprobs = await logprobsFrom(sequence, whole, before.length);
    const logprob = logprobs.reduce((sum, value) => sum + value, 0);
    options.push({ logprob, tokens: logprobs.length, characters: [...continuation.trimStart()].length, afterAnswer: null });
  }
  return { kind: "choice", index, gold: item.gold, options, dropped: 0 };
}

function tokenize(model: LlamaModel, text: string): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  return [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...model.tokenize(text)];
}

/** Logarithms of the probabilities of tokens[from ..]. What the sequence holds of the tokens before is used. */
async function logprobsFrom(sequence: LlamaContextSequence, tokens: readonly Token[], from: number): Promise<number[]> {
  const held = sequence.contextTokens;
  let same = 0;
  while (same < held.length && same < from - 1 && held[same] === tokens[same]) same++;
  if (same < held.length) await sequence.eraseContextTokenRanges([{ start: same, end: held.length }]);
  const asked = tokens.slice(same, -1); // nothing is asked about what follows the last
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const results = await sequence.controlledEvaluate(
    asked.map((token, i) => (same + i >= from - 1 ? [token, { generateNext: { probabilities: true, options } }] : token)),
  );
  return results.flatMap((result, i) => {
    const probability = result?.next.probabilities?.get(tokens[same + i + 1]!);
    return probability === undefined ? [] : [Math.log(Math.max(probability, 1e-38))];
  });
}
