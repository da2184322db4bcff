// Asks a loaded model the questions of a task, one after the other, and gives what came of each. Needs nothing but the library's surface, so
// that it runs on every backend and in every place where that runs.
// Source: the LLaMA paper, section 3: likelihood per character, and for OpenBookQA and BoolQ against the same completion after "Answer:".
import type { Cria, RequestOptions } from "../base/cria.ts";
import type { Completion, CompletionRequest } from "../base/openai.ts";
import type { ContinuationScore } from "../base/score.ts";
import { matchesExactly } from "./answers.ts";
import { withExamples, type Asked } from "./examples.ts";
import { evaluateText, type Reference } from "./perplexity.ts";
import type { AnswerResult, ChoiceResult, OptionScore, Result } from "./result.ts";
import type { AnswerItem, ChoiceItem, Item, Normalization, QuestionTask, Task } from "./task.ts";

/** The part of a loaded model that is asked. */
export interface Judge extends Pick<Cria, "score" | "tokenize" | "info"> {
  readonly completions: {
    create(request: CompletionRequest & { stream?: false | null }, options?: RequestOptions): Promise<Completion>;
  };
}

export interface EvaluateOptions {
  /** Results that are known already: as many questions or windows are left out at the start. */
  readonly done?: number;
  /** At most so many questions or windows, those known counted; null for all. */
  readonly limit?: number | null;
  /** Examples before each question. */
  readonly shots?: number;
  /** Where examples come from; null for the first questions of the task itself, which are then not asked. */
  readonly examples?: QuestionTask | null;
  /** Default: the format's, which is the paper's. Only "answer" costs more than the others, which all come of the same likelihoods. */
  readonly normalization?: Normalization;
  /** Tokens of a window of a text; default 512, as llama.cpp has it. */
  readonly window?: number;
  /** Where distributions over a text are kept, or looked up to be compared with. */
  readonly reference?: Reference | null;
  readonly signal?: AbortSignal;
}

/** So many questions are asked before their options are judged after "Answer:": the examples in front stay in the cache meanwhile. */
const BLOCK = 16;

/** How many results an evaluation gives in all. Throws `bad_request`. */
export async function countResults(judge: Judge, task: Task, options: EvaluateOptions = {}): Promise<number> {
  const { limit = null } = options;
  const all = task.kind === "text" ? await evaluateText.count(judge, task, options) : countQuestions(task, options);
  return Math.min(all, limit ?? Infinity);
}

/** Gives results in the order of the file. Throws `bad_request`, `context_full`, `aborted` and what the model throws. */
export async function* evaluate(judge: Judge, task: Task, options: EvaluateOptions = {}): AsyncGenerator<Result, void, void> {
  if (task.kind === "text") return yield* evaluateText.run(judge, task, options);
  const asked = withExamples(task, options.shots ?? 0, options.examples ?? null);
  const end = Math.min(asked.items.length, asked.first + (options.limit ?? Infinity));
  const normalization = options.normalization ?? asked.format.normalization;
  const afterAnswer = normalization === "answer" ? new AfterAnswer(judge, options.signal) : null;
  const size = afterAnswer ? BLOCK : 1;
  for (let at = asked.first + (options.done ?? 0); at < end; at += size) {
    const block: Result[] = [];
    for (let index = at; index < Math.min(at + size, end); index++) {
      block.push(await ask(judge, asked, index, options.signal));
    }
    for (const result of block) yield afterAnswer ? await afterAnswer.add(result, asked.items) : result;
  }
}

function countQuestions(task: QuestionTask, { shots = 0, examples = null }: EvaluateOptions): number {
  const { items, first } = withExamples(task, shots, examples);
  return items.length - first;
}

function ask(judge: Judge, asked: Asked, index: number, signal: AbortSignal | undefined): Promise<Result> {
  const item: Item = asked.items[index]!;
  return item.kind === "choice" ? choose(judge, asked, item, index, signal) : answer(judge, asked, item, index, signal);
}

/** Options of the same context are judged together. */
async function choose(
  judge: Judge,
  { preamble }: Asked,
  { options, gold }: ChoiceItem,
  index: number,
  signal: AbortSignal | undefined,
): Promise<ChoiceResult> {
  const scores = new Map<number, OptionScore>();
  let dropped = 0;
  for (const context of new Set(options.map((option) => option.context))) {
    const places = options.flatMap((option, place) => (option.context === context ? [place] : []));
    const continuations = places.map((place) => options[place]!.continuation);
    const response = await judge.score(
      { context: preamble + context, continuations },
      { urgency: "background", ...(signal && { signal }) },
    );
    dropped += response.droppedTokens;
    for (const [i, place] of places.entries()) scores.set(place, optionScore(response.scores[i]!, continuations[i]!));
  }
  return { kind: "choice", index, gold, options: options.map((_, place) => scores.get(place)!), dropped };
}

function optionScore({ logprobs }: ContinuationScore, continuation: string): OptionScore {
  const characters = [...continuation.trimStart()].length;
  return { logprob: sum(logprobs), tokens: logprobs.length, characters, afterAnswer: null };
}

/** The likelihoods of options after "Answer:" alone, each taken once: BoolQ's are the same all along. */
class AfterAnswer {
  private readonly known = new Map<string, number>();

  constructor(
    private readonly judge: Judge,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async add(result: Result, items: readonly Item[]): Promise<Result> {
    const item = items[result.index]!;
    if (result.kind !== "choice" || item.kind !== "choice") return result;
    const texts = item.options.map(({ continuation }) => continuation);
    const missing = [...new Set(texts)].filter((text) => !this.known.has(text));
    if (missing.length > 0) {
      const request = { context: "Answer:", continuations: missing };
      const { scores } = await this.judge.score(request, { urgency: "background", ...(this.signal && { signal: this.signal }) });
      for (const [i, text] of missing.entries()) this.known.set(text, sum(scores[i]!.logprobs));
    }
    return { ...result, options: result.options.map((option, i) => ({ ...option, afterAnswer: this.known.get(texts[i]!)! })) };
  }
}

async function answer(
  judge: Judge,
  { preamble, format }: Asked,
  { context, accepted }: AnswerItem,
  index: number,
  signal: AbortSignal | undefined,
): Promise<AnswerResult> {
  const prompt = preamble + context;
  const request = { prompt, max_tokens: format.maxTokens, temperature: 0, repeat_penalty: 1, stop: format.stop };
  const { choices } = await judge.completions.create(request, { urgency: "background", ...(signal && { signal }) });
  const said = format.extract ? format.extract(choices[0].text) : choices[0].text.trim();
  return { kind: "answer", index, said, accepted, right: matchesExactly(said, accepted), dropped: 0 };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
