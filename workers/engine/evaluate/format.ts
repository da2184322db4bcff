// The two kinds of formats of task files, with what most of them have in common.
import type { AnswerItem, ChoiceItem, Format, Option } from "./task.ts";
import type { Row } from "./rows.ts";

/** A format of questions with choices; per character unless it says otherwise. */
export function choiceFormat(
  format: Pick<Format, "title" | "matches"> &
    Partial<Pick<Format, "normalization" | "description">> & { readonly read: (row: Row) => ChoiceItem },
): Format {
  return { kind: "choice", normalization: "characters", description: "", separator: "\n\n", stop: [], maxTokens: 0, ...format };
}

/** A format of questions that are answered in words. */
export function answerFormat(
  format: Pick<Format, "title" | "matches" | "description" | "separator" | "stop" | "maxTokens"> & {
    readonly extract?: (said: string) => string;
    readonly read: (row: Row) => AnswerItem;
  },
): Format {
  return { kind: "answer", normalization: "none", ...format };
}

/** A question all of whose choices follow the same context. */
export function question(context: string, choices: readonly string[], gold: number): ChoiceItem {
  const options = choices.map((choice): Option => ({ context, continuation: ` ${choice.trim()}` }));
  return { kind: "choice", options, gold };
}
