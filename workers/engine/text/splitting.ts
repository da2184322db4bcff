// How byte-level tokenizers cut text into words before merging: one row a family, by the names a file may give in tokenizer.ggml.pre.
// Source: llama.cpp src/llama-vocab.cpp, llm_tokenizer_bpe, and src/unicode.cpp, whose meaning of \s is spelled out here.

/** A family of pre-tokenizers. */
export interface Splitting {
  /** Values of tokenizer.ggml.pre. */
  readonly names: readonly string[];
  /** Applied one after the other to every piece that the one before left: a match is a piece, what lies between matches is one. */
  readonly patterns: readonly RegExp[];
  /** A word that is a token is taken whole, whatever the merges would make of it. */
  readonly wholeWords?: boolean;
  /** Whether text starts with the start token where the file doesn't say. */
  readonly addBos?: boolean;
}

/** White space as llama.cpp, Rust and Python have it. JavaScript's \s has U+FEFF and lacks U+0085. */
const S = String.raw`\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
/** The last blank of a run belongs to the word after it. */
const BLANKS = String.raw`[${S}]+(?![^${S}])|[${S}]+`;
const LINES = String.raw`[${S}]*[\r\n]+`;
const ENDINGS = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]";
const SIGNS = String.raw` ?[^${S}\p{L}\p{N}]+`;
const ASCII_SIGNS = String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_\x60{|}~]`;

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|${SIGNS}|${BLANKS}`;
const WORD = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const LLAMA3 = String.raw`${ENDINGS}|${WORD}|\p{N}{1,3}|${SIGNS}[\r\n]*|${LINES}|${BLANKS}`;
const QWEN2 = String.raw`${ENDINGS}|${WORD}|\p{N}|${SIGNS}[\r\n]*|${LINES}|${BLANKS}`;
/** A word in mixed case breaks where small letters end: any letters but a to z, then any but A to Z. */
const NOT_SMALL = String.raw`(?:(?![a-z])\p{L})`;
const NOT_CAPITAL = String.raw`(?:(?![A-Z])\p{L})`;
const cased = (after: string): string =>
  String.raw`[^\r\n\p{L}\p{N}]?${NOT_SMALL}*${NOT_CAPITAL}+${after}|[^\r\n\p{L}\p{N}]?${NOT_SMALL}+${NOT_CAPITAL}*${after}`;
const CJK = String.raw`[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+`;
const CJK_AND_KOREAN = String.raw`[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+`;
/** Letters that have case, as DeepSeek's first tokenizer lists them. */
const CASED_LETTERS = [
  String.raw`A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377`,
  String.raw`\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556`,
  String.raw`\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a`,
  String.raw`\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4`,
  String.raw`\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc`,
  String.raw`\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f`,
  String.raw`\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b`,
  String.raw`\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a`,
  String.raw`\u{10400}-\u{1044f}\u{104b0}-\u{104d3}\u{104d8}-\u{104fb}\u{10c80}-\u{10cb2}\u{10cc0}-\u{10cf2}\u{118a0}-\u{118df}`,
  String.raw`\u{1e900}-\u{1e943}`,
].join("");

const NO_SENTENCE_SIGNS = String.raw` ?[^(${S}|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+`;

/** The rows, the commonest first. Every one has a test against llama.cpp. */
export const SPLITTINGS: readonly Splitting[] = [
  {
    names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
    patterns: [pattern(LLAMA3)],
    wholeWords: true,
    addBos: true,
  },
  { names: ["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], patterns: [pattern(LLAMA3)] },
  {
    names: ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"],
    patterns: [pattern(String.raw`\p{N}`), pattern(GPT2)],
  },
  {
    names: ["gpt-2", "phi-2", "gigachat", "mellum", "a.x-4.0", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4"],
    patterns: [pattern(GPT2)],
  },
  {
    names: ["qwen2", "deepseek-r1-qwen", "kormo", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"],
    patterns: [pattern(QWEN2)],
  },
  {
    names: ["qwen35"],
    patterns: [
      pattern(String.raw`${ENDINGS}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^${S}\p{L}\p{M}\p{N}]+[\r\n]*|${LINES}|${BLANKS}`),
    ],
  },
  {
    names: ["tekken"],
    patterns: [pattern(String.raw`${cased("")}|\p{N}|${SIGNS}[\r\n/]*|${LINES}|${BLANKS}`)],
    wholeWords: true,
    addBos: true,
  },
  {
    names: ["gpt-4o", "llama4", "kanana2"],
    patterns: [pattern(String.raw`${cased(`(?:${ENDINGS})?`)}|\p{N}{1,3}|${SIGNS}[\r\n/]*|${LINES}|${BLANKS}`)],
  },
  {
    names: ["deepseek-llm"],
    patterns: [
      pattern(String.raw`[\r\n]`),
      pattern(String.raw`[${S}]?[${CASED_LETTERS}]+`),
      pattern(String.raw`[${S}]?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+`),
      pattern(String.raw`[${S}]+$`),
      pattern(CJK_AND_KOREAN),
      pattern(String.raw`\p{N}+`),
    ],
  },
  {
    names: ["deepseek-coder"],
    patterns: [
      pattern(String.raw`[\r\n]`),
      pattern(String.raw`[${S}]?\p{L}+`),
      pattern(String.raw`[${S}]?\p{P}+`),
      pattern(CJK_AND_KOREAN),
      pattern(String.raw`\p{N}`),
    ],
  },
  {
    names: ["deepseek-v3", "hunyuan-dense", "joyai-llm"],
    patterns: [
      pattern(String.raw`\p{N}{1,3}`),
      pattern(CJK),
      pattern(String.raw`${ASCII_SIGNS}[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${LINES}|${BLANKS}`),
    ],
  },
  {
    names: ["falcon"],
    patterns: [pattern(String.raw`[\p{P}$+<=>^~|\x60]+`), pattern(GPT2), pattern("[0-9]{3}")],
  },
  { names: ["bloom", "gpt3-finnish", "poro-chat"], patterns: [pattern(NO_SENTENCE_SIGNS)] },
  { names: ["viking"], patterns: [pattern(NO_SENTENCE_SIGNS), pattern(String.raw`\p{N}`)] },
  {
    names: ["bailingmoe", "bailingmoe2", "llada-moe"],
    patterns: [
      pattern(String.raw`'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|${WORD}|\p{N}|${SIGNS}[\r\n]*|[${S}]*[\r\n]|${BLANKS}`),
    ],
  },
  {
    names: ["seed-coder"],
    patterns: [pattern(String.raw`${ENDINGS}|${WORD}|\p{N}| ?[^${S}\p{L}\p{N}\r\n]+|${LINES}|${BLANKS}`)],
  },
  { names: ["ufakzeka"], patterns: [pattern(String.raw`${WORD}|\p{N}|${SIGNS}[\r\n]*|${LINES}|${BLANKS}`)] },
  { names: ["minicpm5"], patterns: [pattern(String.raw`\p{N}{1,3}`), pattern(LLAMA3.replace("{1,3}", "+"))], wholeWords: true },
  {
    names: ["default"],
    patterns: [pattern(String.raw`[\p{P}$+<=>^~|]+`), pattern(GPT2), pattern(String.raw`\p{N}+`), pattern("[0-9]{3}")],
  },
];

/** The text in words, in order; joined they are the text. */
export function splitWords(text: string, patterns: readonly RegExp[]): readonly string[] {
  let pieces = [text];
  for (const pattern of patterns) {
    const smaller: string[] = [];
    for (const piece of pieces) splitPiece(piece, pattern, smaller);
    pieces = smaller;
  }
  return pieces;
}

function splitPiece(text: string, pattern: RegExp, pieces: string[]): void {
  if (text.length < 2) {
    if (text !== "") pieces.push(text);
    return;
  }
  let from = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match.index > from) pieces.push(text.slice(from, match.index));
    from = pattern.lastIndex;
    pieces.push(match[0]);
  }
  if (from < text.length) pieces.push(text.slice(from));
}

function pattern(source: string): RegExp {
  return new RegExp(source, "gu");
}
