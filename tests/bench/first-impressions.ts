// Which system prompt and sampling does a small model answer everyday questions best with? Asks llama.cpp, on the same file.
// npx tsx tests/bench/first-impressions.ts [--systems 0,1] [--samplings greedy,cool] [--seeds 3] [--out file]; answers go to .cache/first-impressions.md.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { getLlama, type LlamaContextSequence, LlamaLogLevel, type Token } from "node-llama-cpp";
import type { ChatMessage } from "../../workers/engine/base/openai.ts";
import { createTemplate } from "../../workers/engine/chat/template.ts";
import { readGguf } from "../../workers/engine/gguf/read.ts";
import { createTokenizer } from "../../workers/engine/text/tokenizer.ts";
import { SMOLLM2 } from "../golden/models.ts";
import { fileSource } from "../golden/sources.ts";

const MAX_TOKENS = 400;
/** Questions answered at once: one reading of the weights serves them all. */
const TOGETHER = 15;
/** Of the same words in a row, so many make a loop. */
const LOOP_WORDS = 6;

/** What is asked, and what a right answer contains; null where only a person can tell. */
const QUESTIONS: readonly (readonly [question: string, right: RegExp | null])[] = [
  ["What is the capital of France?", /Paris/],
  ["Name the capital of France.", /Paris/],
  ["What is the capital of Japan?", /Tokyo/],
  ["Who wrote Romeo and Juliet?", /Shakespeare/],
  ["How many days are in a week?", /\b(7|seven)\b/i],
  ["What color is the sky on a clear day?", /blue/i],
  ["What is the largest planet in our solar system?", /Jupiter/],
  ["Why do leaves change color in autumn?", /chlorophyll|pigment/i],
  ["What is photosynthesis?", /(sun)?light/i],
  ["Who was the first person to walk on the moon?", /Armstrong/],
  ["What is 2 + 2?", /\b(4|four)\b/i],
  ["What is 7 times 8?", /\b56\b/],
  ["If I have 3 apples and eat one, how many are left?", /\b(2|two)\b/i],
  ["Hi!", null],
  ["How are you today?", null],
  ["Who are you?", null],
  ["Thank you, that helped a lot!", null],
  ["Translate 'good morning' into Spanish.", /buenos d[ií]as/i],
  ["How do you say 'thank you' in French?", /merci/i],
  ["Rewrite this to sound polite: Give me the report now.", /report/i],
  ["Fix the grammar: she go to school yesterday", /she went to school/i],
  ["Summarize in one sentence: The cat sat on the mat all day because it was warm and quiet there.", /cat/i],
  ["Write a haiku about the sea.", /sea|wave|ocean|tide|shore/i],
  ["Give me three ideas for dinner tonight.", /(1\.|first|-|\*)/i],
  ["I can't sleep at night. What should I do?", /sleep|bed|relax/i],
  ["How can I learn to play the guitar?", /practi[cs]e|chord|lesson/i],
  ["Write a Python function that adds two numbers.", /def \w+\(\w+, ?\w+\):\s[\s\S]*return/],
  ["What does HTML stand for?", /hyper ?text markup language/i],
  ["Tell me a short story about a llama.", /llama/i],
  ["Write a short poem about the sea", null],
  ["Explain photosynthesis to a child", null],
  ["How do I boil an egg?", null],
  ["Tell me a joke", null],
  ["Give me three tips for better sleep", null],
  ["Write a thank-you note to a teacher", null],
  ["What can I cook with eggs and tomatoes?", null],
  ["What is the difference between a cat and a dog?", /\bcats?\b[\s\S]*\bdogs?\b/i],
];

/** System prompts; null leaves it to the template, "" has none at all. */
const SYSTEMS: readonly (string | null)[] = [
  "",
  null,
  "You are a helpful assistant.",
  "You are a helpful assistant. Answer briefly and correctly.",
  "Answer the question in one or two short sentences.",
  "You are Cria, a friendly assistant in a browser tab. Give clear, short and correct answers.",
  "You are a knowledgeable and friendly assistant who gives clear and accurate answers.",
  "You are Cria, a helpful assistant. Answer briefly and correctly.",
  "You are Cria, a helpful and friendly assistant. Answer briefly, correctly and in simple words.",
];

const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0, repeatPenalty: 1 };
const SAMPLINGS = {
  greedy: GREEDY,
  "greedy, penalty 1.1": { ...GREEDY, repeatPenalty: 1.1 },
  // What the model's card recommends.
  card: { ...GREEDY, temperature: 0.2, topP: 0.9 },
  cool: { ...GREEDY, temperature: 0.2, topK: 40, topP: 0.9, minP: 0.05, repeatPenalty: 1.1 },
  warm: { ...GREEDY, temperature: 0.7, topK: 40, topP: 0.95, minP: 0.05, repeatPenalty: 1.1 },
  "min-p": { ...GREEDY, temperature: 0.5, minP: 0.15, repeatPenalty: 1.05 },
};

const { values: flags } = parseArgs({
  options: { systems: { type: "string" }, samplings: { type: "string" }, seeds: { type: "string" }, out: { type: "string" } },
});
const systems = flags.systems?.split(",").map((index) => SYSTEMS[Number(index)] ?? null) ?? SYSTEMS;
const samplings = Object.entries(SAMPLINGS).filter(([name]) => !flags.samplings || flags.samplings.split(";").includes(name));
const seeds = Number(flags.seeds ?? 1);

if (!SMOLLM2) throw new Error("Obtain the model first: npm start does, or set CRIA_MODEL.");
const { metadata } = await readGguf(fileSource(SMOLLM2));
const tokenizer = createTokenizer(metadata);
const template = createTemplate(metadata, tokenizer);
const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath: SMOLLM2 });
const context = await model.createContext({ contextSize: 512, sequences: TOGETHER, threads: 1 });
const sequences = Array.from({ length: TOGETHER }, () => context.getSequence());

const cache = join(import.meta.dirname, "../../.cache");
mkdirSync(cache, { recursive: true });
let report = "# Answers to everyday questions\n";
for (const system of systems) {
  for (const [name, sampling] of samplings) {
    for (let seed = 1; seed <= (sampling.temperature === 0 ? 1 : seeds); seed++) {
      const marks = { right: 0, loops: 0, cut: 0, words: 0 };
      const title = `${JSON.stringify(system)}, ${name}, seed ${seed}`;
      report += `\n## ${title}\n`;
      const answers = await Promise.all(sequences.map((sequence, lane) => answerLane(sequence, lane, system, sampling, seed)));
      for (const [index, [question, right]] of QUESTIONS.entries()) {
        const { text, ended } = answers[index % TOGETHER]![Math.floor(index / TOGETHER)]!;
        const mark = right ? (right.test(text) ? "right" : "WRONG") : "read";
        if (mark === "right") marks.right++;
        if (hasLoop(text)) marks.loops++;
        if (!ended) marks.cut++;
        marks.words += text.split(/\s+/).length;
        report += `\n**${question}** (${mark}${hasLoop(text) ? ", LOOP" : ""}${ended ? "" : ", cut"})\n${text.trim()}\n`;
      }
      writeFileSync(flags.out ?? join(cache, "first-impressions.md"), report);
      const rated = QUESTIONS.filter(([, right]) => right).length;
      console.log(`${marks.right}/${rated} right, ${marks.loops} loops, ${marks.cut} cut, ${marks.words} words: ${title}`);
    }
  }
}
await llama.dispose();

interface Answer {
  readonly text: string;
  readonly ended: boolean;
}

/** Every TOGETHER-th question from `lane` on. */
async function answerLane(
  sequence: LlamaContextSequence,
  lane: number,
  system: string | null,
  sampling: typeof GREEDY,
  seed: number,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let index = lane; index < QUESTIONS.length; index += TOGETHER)
    answers.push(await answer(sequence, system, QUESTIONS[index]![0], sampling, seed));
  return answers;
}

async function answer(
  sequence: LlamaContextSequence,
  system: string | null,
  question: string,
  sampling: typeof GREEDY,
  seed: number,
): Promise<Answer> {
  const messages: ChatMessage[] = [{ role: "user", content: question }];
  if (system !== null) messages.unshift({ role: "system", content: system });
  const prompt = template.render(messages);
  await sequence.clearHistory();
  const picked: number[] = [];
  const tokens = sequence.evaluate(
    prompt.map((id) => id as Token),
    {
      ...sampling,
      seed,
      repeatPenalty: {
        penalty: sampling.repeatPenalty,
        punishTokens: () => picked.slice(-64).map((id) => id as Token),
      },
    },
  );
  for await (const token of tokens) {
    picked.push(token); // end tokens are not among them
    if (picked.length >= MAX_TOKENS) break;
  }
  return { text: tokenizer.decode(picked), ended: picked.length < MAX_TOKENS };
}

/** Whether the same few words come three times in a row, or a sentence comes three times. */
function hasLoop(text: string): boolean {
  const words = text.toLowerCase().split(/\s+/);
  for (let length = 1; length <= LOOP_WORDS; length++) {
    for (let at = 0; at + 4 * length <= words.length; at++) {
      const phrase = words.slice(at, at + length).join(" ");
      if ([1, 2, 3].every((times) => words.slice(at + times * length, at + (times + 1) * length).join(" ") === phrase))
        return true;
    }
  }
  const sentences = text
    .split(/[.!?\n]+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence.length > 15);
  return sentences.some((sentence) => sentences.filter((other) => other === sentence).length >= 3);
}
