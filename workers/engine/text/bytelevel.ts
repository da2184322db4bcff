// Byte-level BPE, the tokenizer of GPT-2, Llama 3 and SmolLM: a pattern cuts the text into words, and the bytes of a word merge
// in the order in which the merges were learned.
// Source: llama.cpp src/llama-vocab.cpp, llm_tokenizer_bpe_session.
import { EngineError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Algorithm, AlgorithmKind } from "./algorithm.ts";
import { BYTE_CHARACTERS, spelled, unspelled } from "./bytes.ts";
import { Merger, type Pairs } from "./merge.ts";
import { type Splitting, SPLITTINGS, splitWords } from "./splitting.ts";
import { Symbols } from "./symbols.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Words are few and come back: their tokens are kept, as far as they are short. */
const MOST_CACHED_WORDS = 1 << 15;
const LONGEST_CACHED_WORD = 32;

/** `tokenizer.ggml.model = "gpt2"`. */
export const byteLevel: AlgorithmKind = {
  specials: { bos: null, eos: null, unknown: null },
  create: (vocabulary, metadata) => new ByteLevel(vocabulary, metadata, splittingOf(metadata)),
};

class ByteLevel implements Algorithm, Pairs {
  readonly addBos: boolean;
  readonly spacePrefix = false;
  private readonly symbols: Symbols;
  private readonly merger = new Merger(this);
  /** Order of a merge, by "left right". */
  private readonly ranks = new Map<string, number>();
  private readonly byteSymbols: Int32Array; // [256]
  private readonly encoder = new TextEncoder();
  private readonly cache = new Map<string, readonly number[]>();
  private utf8 = new Uint8Array(0);
  private run = new Int32Array(0); // [bytes of the word]

  /** Throws `bad_file` where merges are missing. */
  constructor(
    private readonly vocabulary: Vocabulary,
    metadata: Metadata,
    private readonly splitting: Splitting,
  ) {
    this.addBos = splitting.addBos ?? false;
    const merges = metadata.texts("tokenizer.ggml.merges");
    if (!merges)
      throw new EngineError("bad_file", "The file has no merges (tokenizer.ggml.merges).", "Choose another model file.");
    for (let rank = merges.length - 1; rank >= 0; rank--) this.ranks.set(merges[rank], rank); // backwards: the first of equals counts
    this.symbols = new Symbols(vocabulary);
    this.byteSymbols = Int32Array.from(BYTE_CHARACTERS, (character) => this.symbols.numberOf(character));
  }

  encode(text: string, _first: boolean, tokens: number[]): void {
    for (const word of splitWords(text, this.splitting.patterns)) {
      const cached = this.cache.get(word);
      if (cached) {
        for (const id of cached) tokens.push(id);
        continue;
      }
      const from = tokens.length;
      this.encodeWord(word, tokens);
      if (word.length > LONGEST_CACHED_WORD) continue;
      if (this.cache.size >= MOST_CACHED_WORDS) this.cache.clear();
      this.cache.set(word, tokens.slice(from));
    }
  }

  bytes(id: number): Uint8Array {
    return unspelled(this.vocabulary.texts[id]);
  }

  merged(left: number, right: number): number {
    const [a, b] = [this.symbols.textOf(left), this.symbols.textOf(right)];
    return this.ranks.has(`${a} ${b}`) ? this.symbols.numberOf(a + b) : -1;
  }

  rank(left: number, right: number): number {
    return this.ranks.get(`${this.symbols.textOf(left)} ${this.symbols.textOf(right)}`) ?? Infinity;
  }

  private encodeWord(word: string, tokens: number[]): void {
    if (this.utf8.length < 3 * word.length) {
      this.utf8 = new Uint8Array(6 * word.length);
      this.run = new Int32Array(6 * word.length);
    }
    const count = this.encoder.encodeInto(word, this.utf8).written;
    const whole = this.splitting.wholeWords ? this.vocabulary.idOf(spelled(this.utf8.subarray(0, count))) : null;
    if (whole !== null) {
      tokens.push(whole);
      return;
    }
    for (let i = 0; i < count; i++) this.run[i] = this.byteSymbols[this.utf8[i]];
    const kept = this.merger.merge(this.run, count);
    for (let i = 0; i < kept; i++) {
      if (this.symbols.isToken(this.run[i])) tokens.push(this.run[i]);
      else this.fallBack(this.symbols.textOf(this.run[i]), tokens);
    }
  }

  /** A merge that made no token. Bytes without a token of their own are lost, as in llama.cpp. */
  private fallBack(text: string, tokens: number[]): void {
    for (const character of text) {
      const id = character < "\x80" ? this.vocabulary.idOf(character) : null;
      if (id !== null) tokens.push(id);
    }
  }
}

function splittingOf(metadata: Metadata): Splitting {
  const name = metadata.text("tokenizer.ggml.pre") || "default";
  const splitting = SPLITTINGS.find(({ names }) => names.includes(name));
  if (splitting) return splitting;
  throw new EngineError(
    "unsupported_tokenizer",
    `The file cuts text in a way named "${name}", which is not known here.`,
    "Choose another model file.",
  );
}
