// Every language says everything, and what is put in comes out.
import { describe, expect, it } from "vitest";
import { elementWords } from "../../../web/embed/element-words.ts";
import { en, type Words } from "../../../web/embed/words/en.ts";
import { spokenLanguage, wordsOf } from "../../../web/embed/words/index.ts";

const OTHERS = ["de", "es", "fr", "ja", "pt"];

/** A phrase with its places filled. */
function say(words: Words, key: keyof Words): string {
  const phrase = words[key];
  return typeof phrase === "string"
    ? phrase
    : Reflect.apply(phrase, null, key === "threads" || key === "contextPart" ? [2] : ["AAA", "BBB"]);
}

describe.each(OTHERS)("the words in %s", (language) => {
  it("are all there, and are no English ones", async () => {
    const words = await wordsOf(language);
    expect(Object.keys(words)).toEqual(Object.keys(en));
    for (const key of Object.keys(en).filter((key): key is keyof Words => key in en)) {
      expect(say(words, key), key).not.toBe("");
      if (key !== "graphics") expect(say(words, key), key).not.toBe(say(en, key));
      for (const place of ["AAA", "BBB", "2"])
        expect(say(words, key).includes(place), `${key} ${place}`).toBe(say(en, key).includes(place));
    }
    expect(elementWords(language)).not.toBe(elementWords("en"));
  });
});

describe("a language", () => {
  it("is found by its tag, and English where there is none", () => {
    expect(["pt-BR", "DE", "fr-CA", "xx", "", "__proto__"].map(spokenLanguage)).toEqual(["pt", "de", "fr", "en", "en", "en"]);
    expect(elementWords("de-AT").ask).toBe("Fragen");
    expect(elementWords("__proto__").ask).toBe("Ask");
  });
});
