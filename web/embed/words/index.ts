// The languages of the frame: a new one is a file and a line here. English comes with the frame, the others when they are needed.
import { en, type Words } from "./en.ts";

const LANGUAGES: Readonly<Record<string, () => Promise<Words>>> = {
  en: () => Promise.resolve(en),
  de: async () => (await import("./de.ts")).de,
  es: async () => (await import("./es.ts")).es,
  fr: async () => (await import("./fr.ts")).fr,
  ja: async () => (await import("./ja.ts")).ja,
  pt: async () => (await import("./pt.ts")).pt,
};

/** The language of a tag such as "pt-BR" that the frame speaks: "pt", or "en" where it speaks none. */
export function spokenLanguage(tag: string): string {
  const language = tag.toLowerCase().split("-")[0];
  return Object.hasOwn(LANGUAGES, language) ? language : "en";
}

/** The words of a spoken language. */
export function wordsOf(language: string): Promise<Words> {
  return LANGUAGES[language]();
}
