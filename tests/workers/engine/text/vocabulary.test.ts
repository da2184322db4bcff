// Small vocabularies whose tokens can be worked out by hand.
import { describe, expect, it } from "vitest";
import { createTokenizer, type Tokenizer } from "../../../../workers/engine/text/tokenizer.ts";
import { memoryMetadata } from "./metadata.ts";

const [NORMAL, UNKNOWN, CONTROL, USER_DEFINED] = [1, 2, 3, 4];

/** a and b and what they merge to, with special tokens of all kinds. */
function byteLevel(more: Readonly<Record<string, string | number | boolean>> = {}): Tokenizer {
  return createTokenizer(
    memoryMetadata({
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.pre": "gpt-2",
      "tokenizer.ggml.tokens": ["a", "b", "Ġ", "ab", "aba", "<end>", "<user>", "<us", "<|im_end|>", "<", ">", "u", "s", "e", "r"],
      "tokenizer.ggml.token_type": [1, 1, 1, 1, 1, CONTROL, USER_DEFINED, USER_DEFINED, NORMAL, 1, 1, 1, 1, 1, 1].map(Number),
      "tokenizer.ggml.merges": ["a b", "ab a"],
      ...more,
    }),
  );
}

function sentencePiece(more: Readonly<Record<string, string | number | boolean>> = {}): Tokenizer {
  return createTokenizer(
    memoryMetadata({
      "tokenizer.ggml.model": "llama",
      "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "▁", "a", "b", "ab", "▁a", "ba", "<sep>"],
      "tokenizer.ggml.scores": [0, 0, 0, -10, -11, -12, -2, -3, -2, 0],
      "tokenizer.ggml.token_type": [UNKNOWN, CONTROL, CONTROL, 1, 1, 1, 1, 1, 1, CONTROL].map(Number),
      ...more,
    }),
  );
}

describe("byte-level merging", () => {
  it("merges in the order the merges were learned, from the left", () => {
    // ab ab a: "a b" goes first, twice; then "ab a" finds the right one.
    expect(byteLevel().encode("ababa")).toEqual([3, 4]);
  });

  it("drops bytes that have no token", () => {
    expect(byteLevel().encode("acb")).toEqual([0, 1]);
  });

  it("always takes user-defined tokens out, control tokens where they are allowed", () => {
    expect(byteLevel().encode("a<user>a")).toEqual([0, 6, 0]);
    expect(byteLevel().encode("a<end>a", { special: true })).toEqual([0, 5, 0]);
    expect(byteLevel().encode("a<end>a")).not.toContain(5);
  });

  it("takes the longer token where one begins like another", () => {
    expect(byteLevel().encode("<us<user>")).toEqual([7, 6]);
  });

  it("knows an end token by its text, whatever type the file gives it", () => {
    expect(byteLevel().endIds).toEqual([8]);
    expect(byteLevel().isSpecial(8)).toBe(true);
    expect(byteLevel({ "tokenizer.ggml.eos_token_id": 5 }).endIds).toEqual([5, 8]);
  });

  it("has no start token where the file names none", () => {
    expect(byteLevel().bos).toBe(null);
    expect(byteLevel({ "tokenizer.ggml.pre": "llama-bpe" }).addBos).toBe(false);
    expect(byteLevel({ "tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.bos_token_id": 5 }).addBos).toBe(true);
  });
});

describe("SentencePiece merging", () => {
  it("takes the best score, the leftmost of equals", () => {
    expect(sentencePiece().encode("ab")).toEqual([3, 6]); // ab (-2) before ▁a (-3)
    expect(sentencePiece().encode("aba")).toEqual([3, 6, 4]); // ab and ba are equal
  });

  it("puts a space in front, and after a special token", () => {
    expect(sentencePiece().encode("a<sep>a", { special: true })).toEqual([7, 9, 7]);
    expect(sentencePiece({ "tokenizer.ggml.add_space_prefix": false }).encode("a")).toEqual([4]);
  });

  it("spells what it cannot write as unknown, where it has no bytes", () => {
    expect(sentencePiece().encode("é")).toEqual([3, 0, 0]);
  });

  it("swallows white space after Phi-3's special tokens", () => {
    expect(sentencePiece({ "general.name": "Phi-3-mini" }).encode("<sep> \n a", { special: true })).toEqual([9, 7]);
  });

  it("says what is wrong with a file", () => {
    expect(() => createTokenizer(memoryMetadata({ "tokenizer.ggml.model": "bert" }))).toThrow(/"bert"; known are llama, gpt2/);
    expect(() => createTokenizer(memoryMetadata({ "tokenizer.ggml.model": "llama" }))).toThrow(/no vocabulary/);
    expect(() => createTokenizer(memoryMetadata({ "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a"] }))).toThrow(
      /no merges/,
    );
  });
});
