// Few-shot: questions with their answers in front of the one that is asked.
// Source: Brown et al. 2020, "Language Models are Few-Shot Learners", section 2.4; the LLaMA paper, section 3.
import { EngineError } from "../base/errors.ts";
import type { Format, Item, QuestionTask } from "./task.ts";

/** What is asked, and what is said before each question. */
export interface Asked {
  readonly format: Format;
  /** The same for every question, so that its keys and values are read once. */
  readonly preamble: string;
  /** Questions that are asked, by their place in the file. */
  readonly first: number;
  readonly items: readonly Item[];
}

/**
 * Puts `shots` examples in front: the first ones of `examples`, or of the task's own file, where they are then not asked.
 * Throws `bad_request` where there are too few, or where they are of another kind.
 */
export function withExamples(task: QuestionTask, shots: number, examples: QuestionTask | null): Asked {
  const { format } = task;
  const source = examples ?? task;
  if (source.kind !== task.kind) throw tooFew("The examples are of another kind than the questions.");
  const first = examples === null ? shots : 0;
  if (shots > source.items.length || first >= task.items.length)
    throw tooFew(`${shots} examples were asked for; ${source.name} has ${source.items.length} questions.`);
  const shown = source.items.slice(0, shots).map((item) => answered(item) + format.separator);
  return { format, preamble: format.description + shown.join(""), first, items: task.items };
}

/** A question with its right answer. */
function answered(item: Item): string {
  if (item.kind === "answer") return `${item.context} ${item.shown}`;
  const { context, continuation } = item.options[item.gold]!;
  return context + continuation;
}

function tooFew(message: string): EngineError {
  return new EngineError("bad_request", message, "Ask for fewer examples, or give a file of examples of the same task.");
}
