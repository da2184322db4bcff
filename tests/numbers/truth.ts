// What llama.cpp computes: the truth (weights as F32, cache as F32), and its own answer on a quantized file.
// Source: node-llama-cpp 3.21.1 with its prebuilt CPU library; nothing is built or downloaded.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type LlamaContextSequence, type LlamaModel, type Token } from "node-llama-cpp";
import { all, derive } from "../golden/models.ts";
import { argmax, lead, type Logits } from "./distance.ts";

const CACHE = join(import.meta.dirname, "../../.cache/truth");

/** Logits along a text, and how the model goes on after its first tokens. */
export interface Run extends Logits {
  /** The text as llama.cpp tokenizes it. */
  readonly ids: readonly number[];
  /** Greedy continuation of ids[0 .. promptTokens). */
  readonly greedy: readonly number[];
  /** Least lead of the best over the second best among the greedy tokens: where it is near 0, rounding decides. */
  readonly leastLead: number;
}

/** What is run: the first `positions` tokens of `text`, and `greedyTokens` greedy ones after the first `promptTokens`. */
export interface Task {
  readonly text: string;
  readonly positions: number;
  readonly promptTokens: number;
  readonly greedyTokens: number;
}

/** llama.cpp on the file's weights as F32. Kept under .cache/truth. */
export async function truth(file: string, task: Task): Promise<Run> {
  return cached(file, "truth", task, async () => {
    const unpacked = await derive(file, { ...all("F32"), name: "truth" });
    const made = await run(unpacked, task, "F32");
    rmSync(unpacked); // half a gigabyte
    return made;
  });
}

/** llama.cpp on the file as it is: what its own kernels lose to quantized weights and activations. Kept likewise. */
export async function llamaCpp(file: string, task: Task, cache: "F16" | "F32"): Promise<Run> {
  return cached(file, `own-${cache}`, task, () => run(file, task, cache));
}

async function run(file: string, task: Task, cache: "F16" | "F32"): Promise<Run> {
  const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error, maxThreads: 1 });
  try {
    const model = await llama.loadModel({ modelPath: file });
    const context = await model.createContext({
      contextSize: 512,
      batchSize: 512,
      threads: 1, // two wait for each other at every barrier: on a busy machine ten times as long
      flashAttention: false,
      experimentalKvCacheKeyType: cache,
      experimentalKvCacheValueType: cache,
    });
    const sequence = context.getSequence();
    const tokens = tokenize(model, task.text).slice(0, task.positions);
    if (tokens.length < task.positions) throw new Error(`The text has only ${tokens.length} tokens.`);
    const rows = await logitsAt(sequence, tokens, () => true);
    const vocab = rows[0]!.length;
    const values = new Float32Array(rows.length * vocab);
    for (const [position, row] of rows.entries()) values.set(row, position * vocab);

    await sequence.clearHistory();
    let next = tokens.slice(0, task.promptTokens);
    let leastLead = Infinity;
    const greedy: Token[] = [];
    while (greedy.length < task.greedyTokens) {
      const [row] = await logitsAt(sequence, next, (i) => i === next.length - 1);
      const best = argmax(row!);
      leastLead = Math.min(leastLead, lead(row!, best));
      greedy.push(asToken(best));
      next = [asToken(best)];
    }
    await model.dispose();
    return { vocab, values, ids: tokens, greedy, leastLead };
  } finally {
    await llama.dispose();
  }
}

function tokenize(model: LlamaModel, text: string): Token[] {
  const bos = model.tokens.bos;
  const tokens = model.tokenize(text);
  return model.tokens.shouldPrependBosToken && bos !== null ? [bos, ...tokens] : tokens;
}

/** Nothing but the softmax: what it gives has the logits' differences. */
const AS_THEY_ARE = { temperature: 1, topK: 0, topP: 1, minP: 0 };

/** Logarithms of llama.cpp's probabilities after those of the tokens that are asked for: its logits, but for a constant a row. */
async function logitsAt(
  sequence: LlamaContextSequence,
  tokens: Token[],
  wanted: (i: number) => boolean,
): Promise<Float32Array[]> {
  const results = await sequence.controlledEvaluate(
    tokens.map((token, i) => (wanted(i) ? [token, { generateNext: { probabilities: true, options: AS_THEY_ARE } }] : token)),
  );
  return results.flatMap((result) => {
    if (!result?.next.probabilities) return [];
    const row = new Float32Array(result.next.probabilities.size);
    for (const [token, probability] of result.next.probabilities) row[token] = Math.log(Math.max(probability, 1e-38));
    return [row];
  });
}

const asToken = (id: number): Token => id as Token; // node-llama-cpp brands its numbers

/** Keeps a run as <key>.json and <key>.bin; the key is a hash of the model file's bytes and of the task. */
async function cached(file: string, kind: string, task: Task, make: () => Promise<Run>): Promise<Run> {
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `${await hash(file, JSON.stringify([kind, task]))}`);
  if (existsSync(`${path}.json`)) {
    const facts: Omit<Run, "values"> = JSON.parse(readFileSync(`${path}.json`, "utf8"));
    return { ...facts, values: new Float32Array(Uint8Array.from(readFileSync(`${path}.bin`)).buffer) };
  }
  const made = await make();
  const { values, ...facts } = made;
  for (const [end, content] of [
    ["bin", Buffer.from(values.buffer)],
    ["json", JSON.stringify(facts)],
  ] as const) {
    writeFileSync(`${path}.${end}.${process.pid}`, content); // renamed when whole: another process may be reading
    renameSync(`${path}.${end}.${process.pid}`, `${path}.${end}`);
  }
  return made;
}

async function hash(file: string, more: string): Promise<string> {
  const sum = createHash("sha256").update(more);
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) sum.update(piece);
  return sum.digest("hex").slice(0, 32);
}
