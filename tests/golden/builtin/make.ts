// Writes down what llama.cpp makes of the built-in model: token ids of prompts and their greedy continuations.
// npx tsx tests/golden/builtin/make.ts (node-llama-cpp 3.21.1 with its prebuilt CPU library, one thread, keys and values as F32).
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { BUILTIN } from "../models.ts";

const MOON =
  "High in the Andes, beside a cold blue lake, there lived a little cria called Tupa. He had as white as milk wool, four thin legs and a " +
  "nose that went everywhere first.\n\nOne evening Tupa saw the moon lie in the lake. \"It has fallen in!\" he cried. \"Somebody must get " +
  "it out!\" He ran to Cuy, the guinea pig. \"The moon";
const MESSAGE =
  "Once there was a little cria called Yaku, who lived with his herd on a meadow above the clouds.\n\nOne day Pilpinto, the hummingbird, " +
  "came to Yaku. \"I have hurt my";
/** What the file's template makes of a question: special tokens are spelled out. */
const QUESTION = "<|im_start|>user\nWho wrote Hamlet?<|im_end|>\n<|im_start|>assistant\n";
const BYTES = "Grüße, 42 Lamas! 🦙";

/** So far a continuation goes at most. */
const TOKENS = 200;
/** Where the best logit is ahead of the second best by less, rounding may decide: the continuation ends there. */
const LEAD = 0.1;
/** Nothing but the softmax. */
const AS_THEY_ARE = { temperature: 1, topK: 0, topP: 1, minP: 0 };

const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error, maxThreads: 1 });
const model = await llama.loadModel({ modelPath: BUILTIN });
const context = await model.createContext({
  contextSize: 512,
  batchSize: 512,
  threads: 1,
  flashAttention: false,
  experimentalKvCacheKeyType: "F32",
  experimentalKvCacheValueType: "F32",
});
const sequence = context.getSequence();
const stories = [];
for (const prompt of [MOON, MESSAGE, QUESTION, BYTES]) stories.push(await continued(prompt));
await llama.dispose();
const sha256 = createHash("sha256").update(readFileSync(BUILTIN)).digest("hex");
const made = { program: "node-llama-cpp 3.21.1, npx tsx tests/golden/builtin/make.ts", sha256, stories };
writeFileSync(join(import.meta.dirname, "golden.json"), `${JSON.stringify(made, null, 2)}\n`);

/** Probabilities of what comes after these tokens, the likeliest first. */
async function probabilitiesAfter(tokens: readonly Token[]): Promise<[Token, number][]> {
  const last = tokens.length - 1;
  const results = await sequence.controlledEvaluate(
    tokens.map((token, i) => (i < last ? token : [token, { generateNext: { probabilities: true, options: AS_THEY_ARE } }])),
  );
  return [...results[last]!.next.probabilities!];
}

/** The greedy continuation, as far as it is certain. */
async function continued(prompt: string): Promise<{ prompt: string; ids: Token[]; greedy: Token[]; text: string }> {
  await sequence.clearHistory();
  const ids = [model.tokens.bos!, ...model.tokenize(prompt, true)];
  const greedy: Token[] = [];
  let next = ids;
  while (greedy.length < TOKENS) {
    const [best, second] = await probabilitiesAfter(next);
    if (best![0] === model.tokens.eos || Math.log(best![1] / second![1]) < LEAD) break;
    greedy.push(best![0]);
    next = [best![0]];
  }
  return { prompt, ids, greedy, text: model.detokenize(greedy) };
}
