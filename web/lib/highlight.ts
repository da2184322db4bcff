// Colours for code. A language's grammar is loaded when a block first needs it.
import type { HLJSApi, LanguageFn } from "highlight.js";
import DOMPurify from "dompurify";

type Grammar = () => Promise<{ default: LanguageFn }>;

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  diff: () => import("highlight.js/lib/languages/diff"),
  go: () => import("highlight.js/lib/languages/go"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  php: () => import("highlight.js/lib/languages/php"),
  python: () => import("highlight.js/lib/languages/python"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  sql: () => import("highlight.js/lib/languages/sql"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ALIASES: Readonly<Record<string, string>> = {
  "c++": "cpp",
  "c#": "csharp",
  cs: "csharp",
  html: "xml",
  js: "javascript",
  jsx: "javascript",
  md: "markdown",
  py: "python",
  python3: "python",
  rb: "ruby",
  rs: "rust",
  sh: "bash",
  shell: "bash",
  svg: "xml",
  ts: "typescript",
  tsx: "typescript",
  yml: "yaml",
  zsh: "bash",
};

// colouring 20 kB took about 10 ms; a longer block is left plain rather than hold up the page
const LONGEST = 20_000;

let core: Promise<HLJSApi> | undefined;

/** The code as HTML of coloured spans; null where the language is unknown or the block too long. */
export async function highlight(code: string, language: string): Promise<string | null> {
  const name = ALIASES[language] ?? language;
  if (code.length > LONGEST || !Object.hasOwn(GRAMMARS, name)) return null;
  const api = await (core ??= import("highlight.js/lib/core").then((module) => module.default));
  if (!api.getLanguage(name)) api.registerLanguage(name, (await GRAMMARS[name]()).default);
  const { value } = api.highlight(code, { language: name, ignoreIllegals: true });
  return DOMPurify.sanitize(value, { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"] });
}
