// Text from tokens one at a time: whole characters only.
import { describe, expect, it } from "vitest";
import { Detokenizer } from "../../../../workers/engine/text/detokenizer.ts";
import { createTokenizer, type Tokenizer } from "../../../../workers/engine/text/tokenizer.ts";
import { memoryMetadata } from "./metadata.ts";

/** Bytes as tokens 3 to 258, as SentencePiece has them; then two pieces. */
const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
const PIECES = ["▁Hi", "▁", "i"];
const sentencePiece = createTokenizer(
  memoryMetadata({
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", ...BYTES, ...PIECES],
    "tokenizer.ggml.scores": Array.from({ length: 262 }, () => 0),
    "tokenizer.ggml.token_type": [2, 3, 3, ...BYTES.map(() => 6), 1, 1, 1],
  }),
);
const byte = (value: number): number => 3 + value;
const HI = 259;

describe("the detokenizer", () => {
  it("holds a character back until it is whole", () => {
    const detokenizer = new Detokenizer(sentencePiece);
    expect([0xf0, 0x9f, 0xa6, 0x99].map((value) => detokenizer.push(byte(value)))).toEqual(["", "", "", "🦙"]);
    expect(detokenizer.flush()).toBe("");
  });

  it("shows bytes that are no UTF-8 as U+FFFD, and goes on", () => {
    expect(stream(sentencePiece, [byte(0xff), byte(0x41), byte(0xe4), byte(0x42)])).toEqual(["�", "A", "", "�B", ""]);
  });

  it("shows an unfinished character at the end as U+FFFD", () => {
    expect(stream(sentencePiece, [byte(0xf0), byte(0x9f)])).toEqual(["", "", "�"]);
  });

  it("takes one space from the start, after special tokens too", () => {
    expect(stream(sentencePiece, [1, HI, HI]).join("")).toBe("Hi Hi");
    expect(stream(sentencePiece, [HI + 1, HI]).join("")).toBe(" Hi");
  });

  it("keeps the space where the text goes on", () => {
    expect(stream(sentencePiece, [HI], false).join("")).toBe(" Hi");
  });

  it("has no text for special tokens", () => {
    expect(stream(sentencePiece, [1, 2, 0])).toEqual(["", "", "", ""]);
    expect(new TextDecoder().decode(sentencePiece.piece(2, { special: true }))).toBe("</s>");
  });

  it("keeps a byte order mark, which is a character like any other", () => {
    expect(stream(sentencePiece, [byte(0xef), byte(0xbb), byte(0xbf), byte(0x41)]).join("")).toBe("\ufeffA");
  });
});

function stream(tokenizer: Tokenizer, ids: readonly number[], start = true): string[] {
  const detokenizer = new Detokenizer(tokenizer, start);
  return [...ids.map((id) => detokenizer.push(id)), detokenizer.flush()];
}
