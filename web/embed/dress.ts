// Puts on what the page wishes: colours that can be read, a radius, a font, light or dark, a language.
import type { Config } from "./messages.ts";
import { accentForText, paintedColours, readTheme, type Colour } from "./theme.ts";
import { spokenLanguage, wordsOf } from "./words/index.ts";
import type { Words } from "./words/en.ts";

/** The frame's own grounds, of styles/tokens.css. */
const GROUND: Readonly<Record<Config["scheme"], Colour>> = { light: [252, 250, 246], dark: [23, 19, 26] };

const read = paintedColours();
let worn: readonly string[] = [];

/** Dresses the document, and resolves with the words of its language. */
export async function dress(config: Config): Promise<Words> {
  const root = document.documentElement;
  root.dataset.theme = config.scheme;
  const { properties, refused } = readTheme(config.theme, read);
  if (refused.length > 0)
    console.info(`Cria leaves out what can't be read or worn: ${refused.map((name) => `--cria-${name}`).join(", ")}`);
  const own = properties["--page"] !== undefined;
  const ground = own ? read(config.theme.background!) : GROUND[config.scheme];
  const accent = properties["--button"] ? read(properties["--button"]) : null;
  const text = accent && ground ? accentForText(accent, ground) : null;
  const all = accent ? { ...properties, "--accent": text ?? "var(--ink)" } : properties;
  for (const name of worn) root.style.removeProperty(name);
  for (const [name, value] of Object.entries(all)) root.style.setProperty(name, value);
  worn = Object.keys(all);
  // mixed from the two that the page chose
  root.classList.toggle("own-colours", own);
  const language = spokenLanguage(config.language || navigator.language);
  const words = await wordsOf(language);
  root.lang = language;
  return words;
}
