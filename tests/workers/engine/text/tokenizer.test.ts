// Token ids are llama.cpp's, for strings that tokenizers stumble over. Golden files: tests/golden/text.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Metadata } from "../../../../workers/engine/base/metadata.ts";
import { SPLITTINGS } from "../../../../workers/engine/text/splitting.ts";
import { createTokenizer, type Tokenizer } from "../../../../workers/engine/text/tokenizer.ts";
import { STRINGS } from "../../../golden/text/strings.ts";
import { llama3, metadataOf, vocabulary, type VocabularyName } from "../../../golden/text/vocabularies.ts";

interface Golden {
  readonly endIds: readonly number[];
  /** Ids without special tokens; with them, null where that makes no difference. */
  readonly ids: readonly (readonly [readonly number[], readonly number[] | null])[];
}

const GOLDEN = join(import.meta.dirname, "../../../golden/text");
const golden = <Kind>(name: string): Kind => JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), "utf8")) as Kind;

// eslint-disable-next-line no-control-regex
const LOST = { smollm2: /[\x1d]/g, stories260k: /▁/g, llama2: /▁/g, llama3: /(?!)/g };

describe.each<VocabularyName>(["smollm2", "stories260k", "llama2", "llama3"])("the vocabulary of %s", async (name) => {
  const found = await vocabulary(name);
  const { ids, endIds } = golden<Golden>(name);
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    if (found) tokenizer = createTokenizer(await metadataOf(found));
  });

  it.skipIf(!found)(`gives llama.cpp's ids for ${STRINGS.length} strings`, () => {
    expect(STRINGS.map((string) => listed(string, tokenizer.encode(string)))).toEqual(
      STRINGS.map((string, i) => listed(string, ids[i]![0])),
    );
  });

  it.skipIf(!found)("gives llama.cpp's ids where special tokens are read", () => {
    const expected = STRINGS.map((string, i) => listed(string, ids[i]![1] ?? ids[i]![0]));
    expect(STRINGS.map((string) => listed(string, tokenizer.encode(string, { special: true })))).toEqual(expected);
  });

  it.skipIf(!found)("gives the text back", () => {
    // SentencePiece writes spaces as ▁, so it cannot tell the two apart; SmolLM2 has no tokens for a few bytes.
    const kept = (string: string): string => string.toWellFormed().replaceAll(LOST[name], name === "smollm2" ? "" : " ");
    expect(STRINGS.map((string) => tokenizer.decode(tokenizer.encode(string)))).toEqual(STRINGS.map(kept));
  });

  it.skipIf(!found)("ends where llama.cpp ends", () => {
    expect(tokenizer.endIds).toEqual(endIds);
  });

  it.skipIf(!found)("puts the start token first, once", () => {
    const { bos } = tokenizer;
    const start = new TextDecoder().decode(tokenizer.piece(bos!, { special: true }));
    expect(tokenizer.encode("a", { bos: true })).toEqual([bos, ...tokenizer.encode("a")]);
    expect(tokenizer.encode(`${start}a`, { bos: true, special: true })).toEqual(tokenizer.encode(`${start}a`, { special: true }));
    expect(tokenizer.idOf(start)).toBe(bos);
    expect(tokenizer.isSpecial(bos!)).toBe(true);
    expect(tokenizer.decode([bos!])).toBe("");
  });

  it.skipIf(!found)("keeps a guarded special token text", () => {
    const [special] = tokenizer.specialTexts;
    const guarded = special![0] + tokenizer.guard + special!.slice(1);
    expect(tokenizer.encode(guarded, { special: true })).toEqual(tokenizer.encode(special!));
  });
});

describe("the ways of cutting words", async () => {
  const { lists, rows } = golden<{ lists: readonly number[][]; rows: Readonly<Record<string, readonly number[]>> }>("splittings");
  const metadata = await metadataOf(await llama3("llama-bpe"));
  const cutting = (pre: string): Metadata => {
    const other = (key: string): string | null => (key === "tokenizer.ggml.pre" ? pre : metadata.text(key));
    return Object.create(metadata, { text: { value: other } }) as Metadata;
  };

  it.each(SPLITTINGS)("has llama.cpp's for $names", ({ names }) => {
    const tokenizer = createTokenizer(cutting(names[0]!));
    const ids = STRINGS.map((string) => listed(string, tokenizer.encode(string)));
    for (const name of names) expect(ids).toEqual(STRINGS.map((string, i) => listed(string, lists[rows[name]![i]!]!)));
  });

  it("refuses one it doesn't know", () => {
    expect(() => createTokenizer(cutting("from-the-future"))).toThrow(/from-the-future/);
  });
});

/** A line a person can compare. */
function listed(string: string, ids: readonly number[]): string {
  return `${JSON.stringify(string)} ${ids.join(" ")}`;
}
