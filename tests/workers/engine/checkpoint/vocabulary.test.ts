// Vocabularies of every form a model comes with, and what the smaller files add to them.
import { describe, expect, it } from "vitest";
import type { CheckpointVocabulary } from "../../../../workers/engine/checkpoint/checkpoint.ts";
import { readLanguage } from "../../../../workers/engine/checkpoint/vocabulary/read.ts";
import { readTiktoken } from "../../../../workers/engine/checkpoint/vocabulary/tiktoken.ts";
import { unspelled } from "../../../../workers/engine/text/bytes.ts";
import { utf8 } from "../../../golden/publish/bytes.ts";
import { sentencePieceModel } from "../../../golden/publish/vocabulary.ts";
import { memorySource } from "../../../golden/sources.ts";

const SPM = { tokens: ["<unk>", "<s>", "</s>", "<0x41>", "▁a", "b"], scores: [0, 0, 0, 0, -1, -2], types: [2, 3, 3, 6, 1, 1] };
const LLAMA3 = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

describe("tokenizer.model", () => {
  it("has its tokens, scores, types and special ids", async () => {
    const { vocabulary } = await language({ "tokenizer.model": sentencePieceModel(SPM) });
    expect(vocabulary).toMatchObject({ ...SPM, model: "llama", bos: 1, eos: 2, unknown: 0, pad: null, addSpacePrefix: true });
  });

  it("is followed by the tokens that were added to it", async () => {
    const added = await language({
      "tokenizer.model": sentencePieceModel(SPM),
      "added_tokens.json": json({ "[PAD]": 6 }),
      "tokenizer_config.json": json({
        eos_token: { content: "<|end|>" },
        pad_token: "[PAD]",
        add_bos_token: true,
        bos_token: "", // as the first conversions of LLaMA had it
        added_tokens_decoder: { 7: { content: "<|end|>", special: true }, 8: { content: "<think>", special: false } },
        chat_template: [
          { name: "tool_use", template: "no" },
          { name: "default", template: "yes" },
        ],
      }),
    });
    expect(added.vocabulary).toMatchObject({ bos: 1, eos: 7, pad: 6, addBos: true });
    expect(added.vocabulary?.tokens.slice(6)).toEqual(["[PAD]", "<|end|>", "<think>"]);
    expect(added.vocabulary?.types.slice(6)).toEqual([3, 3, 4]);
    expect(added.template).toBe("yes");
  });

  it("of Llama 3 is a list of ranks: its merges are those of its tokenizer.json", async () => {
    const { default: tokenizer } = await import("llama3-tokenizer-js");
    const lines = tokenizer.vocabById
      .slice(0, 128_000)
      .map((token, rank) => `${Buffer.from(unspelled(token)).toString("base64")} ${rank}\n`);
    const read = readTiktoken("tokenizer.model", utf8(lines.join("")));
    expect(read.tokens).toHaveLength(128_256);
    expect(read.tokens[128_009]).toBe("<|eot_id|>");
    expect(read.merges).toEqual([...tokenizer.merges.keys()]);
  });
});

describe("tokenizer.json", () => {
  const model = { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: [["a", "b"]] };
  const byteLevel = { type: "ByteLevel" };

  it.each<[string, object]>([
    ["gpt-2", byteLevel],
    ["smollm", { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel] }],
    ["llama-bpe", { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex: LLAMA3 } }, byteLevel] }],
  ])("cuts text as %s", async (pre, cutter) => {
    const { vocabulary } = await language({
      "tokenizer.json": json({ model, pre_tokenizer: cutter, added_tokens: [{ id: 3, content: "<|x|>", special: true }] }),
    });
    const expected: Partial<CheckpointVocabulary> = { model: "gpt2", pre, tokens: ["a", "b", "ab", "<|x|>"], merges: ["a b"] };
    expect(vocabulary).toMatchObject(expected);
    expect(vocabulary?.types).toEqual([1, 1, 1, 3]);
  });

  it.each([
    ["a pattern nobody knows", { model, pre_tokenizer: { type: "Split", pattern: { Regex: "x" } } }],
    ["another kind of model", { model: { ...model, type: "Unigram" }, pre_tokenizer: byteLevel }],
  ])("is refused with %s", async (_, content) => {
    await expect(language({ "tokenizer.json": json(content) })).rejects.toMatchObject({ code: "unsupported_tokenizer" });
  });
});

it("takes ids from config.json where nothing better names them", async () => {
  const tokenizer = json({ model: { type: "BPE", vocab: { a: 0, b: 1 }, merges: [] }, pre_tokenizer: { type: "ByteLevel" } });
  const folder = new Map([["tokenizer.json", memorySource(tokenizer, undefined, "tokenizer.json")]]);
  const { fieldsOf } = await import("../../../../workers/engine/checkpoint/formats/json.ts");
  const config = fieldsOf("config.json", { bos_token_id: 0, eos_token_id: [1, 0] });
  expect((await readLanguage(folder, config)).vocabulary).toMatchObject({ bos: 0, eos: 1 });
});

function language(files: Record<string, Uint8Array<ArrayBuffer>>): ReturnType<typeof readLanguage> {
  return readLanguage(new Map(Object.entries(files).map(([name, bytes]) => [name, memorySource(bytes, undefined, name)])), null);
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(value));
}
