// What an evaluation asks, as plain data: questions with choices, questions with answers, or a text.
import type { Row } from "./rows.ts";

/** How the likelihood of a choice is made comparable: as it is, per character, or against the same words after "Answer:". */
export type Normalization = "none" | "characters" | "answer";

/** One way a question may go on. All but WinoGrande's have the same context. */
export interface Option {
  readonly context: string;
  /** With the space in front that separates it from its context. */
  readonly continuation: string;
}

/** A question of which one option is right. */
export interface ChoiceItem {
  readonly kind: "choice";
  readonly options: readonly Option[];
  /** Index of the right one. */
  readonly gold: number;
}

/** A question that is answered in words. */
export interface AnswerItem {
  readonly kind: "answer";
  readonly context: string;
  /** Any of these is right. */
  readonly accepted: readonly string[];
  /** How the right answer is written in an example. */
  readonly shown: string;
}

export type Item = ChoiceItem | AnswerItem;

/** How the rows of a task file are known, what they ask, and how that is put to the model. */
export interface Format {
  /** For people: "ARC". */
  readonly title: string;
  readonly kind: Item["kind"];
  /** The first format whose rows look so is taken. `file` is the name of the file, in lower case. */
  matches(row: Row, file: string): boolean;
  /** Throws `bad_request` where the row is not complete. */
  read(row: Row): Item;
  /** How the paper compares choices of this task. */
  readonly normalization: Normalization;
  /** What is said before the first example or question. */
  readonly description: string;
  /** Between an example and what follows. */
  readonly separator: string;
  /** Texts that end an answer in words, and its most tokens. */
  readonly stop: readonly string[];
  readonly maxTokens: number;
  /** The answer in what a model said; left out where that is all of the first line. */
  readonly extract?: (said: string) => string;
}

interface Named {
  /** Name of the file without its ending: "arc_easy". */
  readonly name: string;
}

/** A list of questions of one format. */
export interface QuestionTask extends Named {
  readonly kind: "choice" | "answer";
  readonly format: Format;
  readonly items: readonly Item[];
}

/** A text whose perplexity is taken. */
export interface TextTask extends Named {
  readonly kind: "text";
  readonly text: string;
}

export type Task = QuestionTask | TextTask;
