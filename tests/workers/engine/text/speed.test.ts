// A long text without spaces is one word of 100,000 characters: merging it must not take the square of that.
import { beforeAll, describe, expect, it } from "vitest";
import { createTokenizer, type Tokenizer } from "../../../../workers/engine/text/tokenizer.ts";
import { metadataOf, vocabulary, type VocabularyName } from "../../../golden/text/vocabularies.ts";

const LETTERS = Array.from({ length: 100_000 }, (_, i) => String.fromCharCode(97 + ((i * i * 7919) % 26))).join("");
const TEXTS = {
  "the same letter": "a".repeat(100_000),
  letters: LETTERS,
  Chinese: Array.from({ length: 100_000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 3000))).join(""),
  spaces: " ".repeat(100_000),
  "ends of lines": "\n".repeat(100_000),
  digits: "7".repeat(100_000),
};

describe.each<VocabularyName>(["llama2", "llama3"])("a long text in the vocabulary of %s", (name) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = createTokenizer(await metadataOf((await vocabulary(name))!));
  });

  it.each(Object.entries(TEXTS))("takes time in proportion: %s", (_, text) => {
    const part = text.slice(0, text.length / 4);
    for (let i = 0; i < 3; i++) tokenizer.encode(text); // warm
    // Four times the text takes 4 log(4n) / log(n), about 4.5 times as long; quadratic work would take 16.
    expect(best(() => tokenizer.encode(text)) / best(() => tokenizer.encode(part))).toBeLessThan(10);
  });
});

/** Milliseconds of processor time of the best of five runs: other programs on the machine don't count. */
function best(run: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}
