// The formats of multiple-choice tasks, as their publishers have them.
// Source: how questions are put, lm-evaluation-harness (lm_eval/tasks); the paper does not print its prompts.
import { choiceFormat, question } from "./format.ts";
import type { Row } from "./rows.ts";
import type { ChoiceItem } from "./task.ts";

/** {"query", "choices", "gold"}: a prepared question, and Cria's own format. */
export const prepared = choiceFormat({
  title: "questions with choices",
  matches: (row) => row.has("query", "choices", "gold"),
  read: (row) => {
    const choices = row.texts("choices");
    const query = row.text("query").trimEnd();
    const context = /answer:$/i.test(query) ? query : `${query}\nAnswer:`;
    return question(context, choices, row.choice("gold", choices.length));
  },
});

/** {"question_stem", "choices": {"text", "label"}, "answerKey"}, or AI2's own nesting in a file of that name. The stem stands alone. */
export const openBookQa = choiceFormat({
  title: "OpenBookQA",
  normalization: "answer",
  matches: (row, file) =>
    row.has("question_stem", "choices", "answerkey") || (/openbook|obqa/.test(file) && row.has("question", "answerkey")),
  read: (row) => {
    const { stem, texts, labels } = labelled(row, "question_stem");
    return question(stem, texts, row.choice("answerkey", texts.length, { labels }));
  },
});

/** {"question", "choices": {"text", "label"}, "answerKey"}, or AI2's own {"question": {"stem", "choices": [{"text", "label"}]}}. */
export const arc = choiceFormat({
  title: "ARC",
  matches: (row) => row.has("question", "answerkey"),
  read: (row) => {
    const { stem, texts, labels } = labelled(row, "question");
    return question(`Question: ${stem}\nAnswer:`, texts, row.choice("answerkey", texts.length, { labels, first: 1 }));
  },
});

/** {"goal", "sol1", "sol2", "label"}. */
export const piqa = choiceFormat({
  title: "PIQA",
  matches: (row) => row.has("goal", "sol1", "sol2", "label"),
  read: (row) => question(`Question: ${row.text("goal")}\nAnswer:`, [row.text("sol1"), row.text("sol2")], row.choice("label", 2)),
});

/** {"activity_label", "ctx_a", "ctx_b", "endings", "label"}. */
export const hellaSwag = choiceFormat({
  title: "HellaSwag",
  matches: (row) => row.has("endings", "label") && (row.has("ctx") || row.has("ctx_a")),
  read: (row) => {
    const story = row.has("ctx_a", "ctx_b") ? `${row.text("ctx_a")} ${capitalized(row.text("ctx_b"))}` : row.text("ctx");
    const context = row.has("activity_label") ? `${row.text("activity_label")}: ${story}` : story;
    const endings = row.texts("endings");
    return question(withoutMarks(context), endings.map(withoutMarks), row.choice("label", endings.length));
  },
});

/** {"sentence" with "_", "option1", "option2", "answer"}: what follows the blank is judged after each filling. */
export const winoGrande = choiceFormat({
  title: "WinoGrande",
  normalization: "none",
  matches: (row) => row.has("sentence", "option1", "option2", "answer"),
  read: (row): ChoiceItem => {
    const [before = "", after = ""] = row.text("sentence").split("_", 2);
    const fillings = [row.text("option1"), row.text("option2")];
    const options = fillings.map((filling) => ({ context: before + filling, continuation: ` ${after.trim()}` }));
    return { kind: "choice", options, gold: row.choice("answer", 2, { first: 1 }) };
  },
});

/** {"passage", "question", "answer": true or false}, or a "label" of 0 or 1. */
export const boolQ = choiceFormat({
  title: "BoolQ",
  normalization: "answer",
  matches: (row) => row.has("passage", "question") && (typeof row.value("answer") === "boolean" || row.has("label")),
  read: (row) => {
    const asked = row.text("question").replace(/\?$/, "");
    const gold = row.choice(row.has("answer") ? "answer" : "label", 2);
    return question(`${row.text("passage")}\nQuestion: ${asked}?\nAnswer:`, ["no", "yes"], gold);
  },
});

/** {"context", "question", "answerA", "answerB", "answerC", "label": 1 to 3}. */
export const siqa = choiceFormat({
  title: "SIQA",
  matches: (row) => row.has("context", "question", "answera", "answerb", "answerc", "label"),
  read: (row) => {
    const choices = ["answera", "answerb", "answerc"].map((name) => row.text(name));
    return question(`Q: ${row.text("context")} ${row.text("question")}\nA:`, choices, row.choice("label", 3, { first: 1 }));
  },
});

/** {"article", "question", "options", "answer": "A"}. */
export const race = choiceFormat({
  title: "RACE",
  matches: (row) => row.has("article", "question", "options", "answer"),
  read: (row) => {
    const options = row.texts("options");
    const context = `Article: ${row.text("article")}\n\nQuestion: ${row.text("question")}\nAnswer:`;
    return question(context, options, row.choice("answer", options.length));
  },
});

/** {"question", "choices": [four texts], "answer": 0 to 3 or a letter}: the letters are judged, not the texts. */
export const mmlu = choiceFormat({
  title: "MMLU",
  normalization: "none",
  description: "The following are multiple choice questions (with answers).\n\n",
  matches: (row) => row.has("question", "choices", "answer") && Array.isArray(row.value("choices")),
  read: (row) => {
    const choices = row.texts("choices");
    const letters = choices.map((_, index) => String.fromCharCode(65 + index));
    const list = choices.map((choice, index) => `${letters[index]}. ${choice}`).join("\n");
    return question(`${row.text("question").trim()}\n${list}\nAnswer:`, letters, row.choice("answer", choices.length));
  },
});

/** The two nestings in which ARC and OpenBookQA are published. */
function labelled(row: Row, stemField: string): { stem: string; texts: string[]; labels: string[] } {
  const nested = !row.has("choices") || typeof row.value(stemField) === "object";
  const inner = nested ? row.row("question") : row;
  const stem = nested ? inner.text("stem") : row.text(stemField);
  if (Array.isArray(inner.value("choices"))) {
    const entries = inner.rows("choices");
    return { stem, texts: entries.map((entry) => entry.text("text")), labels: entries.map((entry) => entry.text("label")) };
  }
  const lists = inner.row("choices");
  return { stem, texts: lists.texts("text"), labels: lists.texts("label") };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}

/** WikiHow's headings and notes in brackets. */
function withoutMarks(text: string): string {
  return text
    .trim()
    .replaceAll(" [title]", ". ")
    .replace(/\[.*?\]/g, "")
    .replaceAll("  ", " ");
}
