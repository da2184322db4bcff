// The formats of tasks answered in words, and when two answers are the same.
// Source: the LLaMA paper, appendix A (Natural Questions, TriviaQA); normalization as in SQuAD's evaluation script; GSM8K's "####".
import { answerFormat } from "./format.ts";
import { bad, type Row } from "./rows.ts";

/** {"question", "answer": ["…"]}, TriviaQA's {"question", "answer": {"value", "aliases"}}, {"context", "answer", "aliases"}. */
export const openQuestions = answerFormat({
  title: "questions and answers",
  matches: (row) => row.has("question", "answer") || row.has("question", "answers") || row.has("context", "answer"),
  description: "Answer these questions:\n",
  separator: "\n",
  stop: ["\n"],
  maxTokens: 48,
  extract: firstAnswer,
  read: (row) => {
    const asked = row
      .text(row.has("question") ? "question" : "context")
      .trim()
      .replace(/^Question: /, "");
    const accepted = acceptedAnswers(row);
    return { kind: "answer", context: `Q: ${asked.replace(/\??$/, "?")}\nA:`, accepted, shown: accepted[0]! };
  },
});

/** {"question", "answer": "… #### 42"}: a number at the end of a chain of thought. */
export const gsm8k = answerFormat({
  title: "GSM8K",
  matches: (row) =>
    row.has("question", "answer") && typeof row.value("answer") === "string" && row.text("answer").includes("####"),
  description: "",
  separator: "\n\n",
  stop: ["\n\n", "\nQuestion:"],
  maxTokens: 320,
  extract: lastNumber,
  read: (row) => {
    const shown = row.text("answer").replace(/<<.*?>>/g, "");
    const context = `Question: ${row.text("question")}\nAnswer:`;
    return { kind: "answer", context, accepted: [lastNumber(shown)], shown };
  },
});

/** Whether an answer is one of those accepted, once case, articles, punctuation and spaces no longer count. */
export function matchesExactly(answer: string, accepted: readonly string[]): boolean {
  const normalized = normalizeAnswer(answer);
  return accepted.some((right) => normalizeAnswer(right) === normalized);
}

/** Lower case, without punctuation, articles and superfluous spaces. */
export function normalizeAnswer(text: string): string {
  const words = text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, "")
    .replace(/\b(a|an|the)\b/g, " ");
  return words.trim().replace(/\s+/g, " ");
}

/** What was said up to the first line break, comma, or dot that ends something: "3.5" and "1,000" stay whole. */
function firstAnswer(said: string): string {
  return /^.*?(?=[.,](\s|$)|\n|$)/.exec(said.trimStart())?.[0].trim() ?? "";
}

/** The number behind "####", else the last number of a text, without thousands' commas. */
function lastNumber(text: string): string {
  const marked = text.split("####")[1];
  const numbers = (marked ?? text).replaceAll(",", "").match(/-?\d+(\.\d+)?/g) ?? [];
  const number = marked === undefined ? numbers.at(-1) : numbers[0];
  return number === undefined ? "" : String(Number(number));
}

function acceptedAnswers(row: Row): string[] {
  const found = [row.value("answers"), row.value("answer"), row.value("aliases")]
    .flatMap(textsIn)
    .filter((text) => text.trim() !== "");
  if (found.length === 0) throw bad(`${row.place} has no answer.`);
  return [...new Set(found)];
}

/** Texts in whatever nesting: a text, a list, {"value", "aliases"}, {"text": […]}. Normalized aliases say nothing new. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (typeof value !== "object" || value === null) return [];
  const fields = new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]));
  return ["value", "text", "aliases"].flatMap((name) => textsIn(fields.get(name)));
}
