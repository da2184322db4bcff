// Prompts of any length in tokens, as ids and as text, none beginning like the one before: a KV cache would remember it.
import type { Prompt } from "./engines/engine.ts";

/** Turns text to ids and back, as llama.cpp does. */
export interface Tokenizer {
  tokenize(text: string): Promise<number[]>;
  detokenize(ids: readonly number[]): Promise<string>;
}

/** Short prompts whose next words leave no doubt, whatever a quantization did to the model: engines are to agree on them before any is timed. */
export const QUESTIONS = [
  "red, green, blue, red, green, blue, red, green, blue, red, green,",
  "Monday, Tuesday, Wednesday, Thursday, Friday,",
  "The sun rises in the east and sets in the west. The sun rises in the east and sets in the",
  "A dog can bark. A cat can meow. A dog can bark. A cat can meow. A dog can",
] as const;

/** Prompts cut from one long text. */
export class Prompts {
  private next = 0;

  private constructor(
    private readonly ids: readonly number[],
    private readonly bos: readonly number[],
    private readonly tokenizer: Tokenizer,
  ) {}

  static async open(tokenizer: Tokenizer): Promise<Prompts> {
    const bos = await tokenizer.tokenize(""); // the start token, where the model wants one
    const ids = await tokenizer.tokenize(prose(9000));
    return new Prompts(ids.slice(bos.length), bos, tokenizer);
  }

  /** A prompt of `length` tokens that begins otherwise than the last one. */
  fresh(length: number): Promise<Prompt> {
    return this.cut((this.next += 7), length); // a stride that no sentence has
  }

  private async cut(from: number, length: number): Promise<Prompt> {
    if (from + length > this.ids.length) throw new Error(`The text has no ${length} tokens from ${from} on.`);
    const cut = this.ids.slice(from, from + Math.max(1, length - this.bos.length));
    return { ids: [...this.bos, ...cut], text: await this.tokenizer.detokenize(cut) };
  }

  /** The first tokens of the text: a longer one goes on from a shorter one. */
  beginning(length: number): Promise<Prompt> {
    return this.cut(0, length);
  }

  /** A text as a prompt. */
  async of(text: string): Promise<Prompt> {
    return { ids: await this.tokenizer.tokenize(text), text };
  }
}

const SUBJECTS =
  "The old miller|A young llama|My grandmother|Every traveller|The quiet river|No engineer|Her brother|The last train".split("|");
const VERBS = "remembers|carries|has never seen|paints|would sell|is afraid of|draws|keeps".split("|");
const OBJECTS =
  "a small lantern|the road to the sea|seven letters|an empty house|the first snow|bread and salt|a clock without hands|the names of stars".split(
    "|",
  );
const ENDINGS =
  "before winter|in the morning|near the bridge|without a word|when nobody listens|for many years|under the table|as if by chance".split(
    "|",
  );

/** English sentences, the same each time, that do not repeat for a while. */
function prose(words: number): string {
  let state = 1;
  const pick = (list: readonly string[]): string => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return list[(state >>> 16) % list.length]!;
  };
  const sentences: string[] = [];
  for (let count = 0; count < words;) {
    const sentence = `${pick(SUBJECTS)} ${pick(VERBS)} ${pick(OBJECTS)} ${pick(ENDINGS)}.`;
    sentences.push(sentence);
    count += sentence.split(" ").length;
  }
  return sentences.join(" ");
}
