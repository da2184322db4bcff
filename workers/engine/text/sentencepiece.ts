// SentencePiece's BPE, the tokenizer of LLaMA 1 and 2: characters merge into the piece with the best score, and what is no
// piece is spelled in bytes.
// Source: llama.cpp src/llama-vocab.cpp, llm_tokenizer_spm_session.
import { EngineError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Algorithm, AlgorithmKind } from "./algorithm.ts";
import { Merger, type Pairs } from "./merge.ts";
import { Symbols } from "./symbols.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** How a piece spells a space. */
const SPACE = "▁"; // U+2581
const UNSEEN = -1;

/** `tokenizer.ggml.model = "llama"`. */
export const sentencePiece: AlgorithmKind = {
  specials: { bos: 1, eos: 2, unknown: 0 },
  create: (vocabulary, metadata) => new SentencePiece(vocabulary, metadata),
};

class SentencePiece implements Algorithm, Pairs {
  readonly addBos = true;
  readonly spacePrefix: boolean;
  private readonly symbols: Symbols;
  private readonly merger = new Merger(this);
  private readonly scores: ArrayLike<number>; // [vocab]
  private readonly byteIds: readonly (number | null)[]; // [256]
  private readonly encoder = new TextEncoder();
  /** Symbol of each character of the basic plane met so far. */
  private readonly characters = new Int32Array(0x10000).fill(UNSEEN);
  private run = new Int32Array(0); // [characters of the text]

  /** Throws `bad_file` where scores are missing. */
  constructor(
    private readonly vocabulary: Vocabulary,
    metadata: Metadata,
  ) {
    const scores = metadata.numbers("tokenizer.ggml.scores");
    if (!scores || scores.length < vocabulary.size) {
      throw new EngineError("bad_file", `The vocabulary has ${vocabulary.size} tokens, but scores for ${scores?.length ?? 0}.`);
    }
    this.scores = scores;
    this.spacePrefix = metadata.flag("tokenizer.ggml.add_space_prefix") ?? true;
    this.symbols = new Symbols(vocabulary);
    this.byteIds = Array.from(
      { length: 256 },
      (_, byte) => vocabulary.idOf(byteText(byte)) ?? vocabulary.idOf(String.fromCharCode(byte)),
    );
  }

  encode(text: string, first: boolean, tokens: number[]): void {
    const count = this.spell((this.spacePrefix && first ? SPACE : "") + text.replaceAll(" ", SPACE));
    const kept = this.merger.merge(this.run, count);
    for (let i = 0; i < kept; i++) {
      const symbol = this.run[i];
      if (this.symbols.isToken(symbol)) tokens.push(symbol);
      else this.spellBytes(this.symbols.textOf(symbol), tokens);
    }
  }

  bytes(id: number): Uint8Array {
    const text = this.vocabulary.texts[id];
    if (this.vocabulary.isByte(id)) return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16));
    return this.encoder.encode(text.replaceAll(SPACE, " "));
  }

  merged(left: number, right: number): number {
    return this.vocabulary.idOf(this.symbols.textOf(left) + this.symbols.textOf(right)) ?? -1;
  }

  rank(_left: number, _right: number, merged: number): number {
    return -this.scores[merged];
  }

  /** Puts the symbols of the text's characters into `run`; returns how many. */
  private spell(text: string): number {
    if (this.symbols.crowded) {
      this.symbols.clear();
      this.merger.clear();
      this.characters.fill(UNSEEN);
    }
    if (text.length > this.run.length) this.run = new Int32Array(Math.max(text.length, 2 * this.run.length));
    let count = 0;
    for (let at = 0; at < text.length; count++) {
      const code = text.charCodeAt(at);
      const long = (code & 0xfc00) === 0xd800; // the first half of a pair: the text is well-formed
      if (long) this.run[count] = this.symbols.numberOf(text.slice(at, at + 2));
      else if (this.characters[code] !== UNSEEN) this.run[count] = this.characters[code];
      else this.run[count] = this.characters[code] = this.symbols.numberOf(text[at]);
      at += long ? 2 : 1;
    }
    return count;
  }

  private spellBytes(text: string, tokens: number[]): void {
    for (const byte of this.encoder.encode(text)) {
      const id = this.byteIds[byte] ?? this.vocabulary.unknown;
      if (id !== null) tokens.push(id);
    }
  }
}

function byteText(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
