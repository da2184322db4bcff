// Text to tokens and back, from the metadata of a GGUF file alone.
import { EngineError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Algorithm } from "./algorithm.ts";
import { ALGORITHMS } from "./index.ts";
import { partition } from "./partition.ts";
import { Vocabulary } from "./vocabulary.ts";

/** The tokenizer of one model. Token ids are what llama.cpp gives for the same file. */
export interface Tokenizer {
  /** Number of tokens. */
  readonly vocab: number;
  /** Start and end of a text; null where the model has none. */
  readonly bos: number | null;
  readonly eos: number | null;
  /** Tokens after which the model has nothing more to say: end of text, of turn, of message. Ascending. */
  readonly endIds: readonly number[];
  /** Whether a prompt should start with `bos`, and a finished text end with `eos`. */
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** Whether a text is encoded with a space in front, which decoding takes away. */
  readonly spacePrefix: boolean;
  /** Texts of the tokens that are no part of a text: "<s>", "<|im_end|>". */
  readonly specialTexts: readonly string[];
  /** A character that `encode` drops once it has looked for special tokens: put inside of what must not be read as one. */
  readonly guard: string;
  /**
   * Token ids of a text. `bos` puts the start token first, unless the text itself brings it. `special` reads "<s>" and the like
   * as tokens; without it what a person types stays text. Lone surrogates count as U+FFFD.
   */
  encode(text: string, options?: { readonly bos?: boolean; readonly special?: boolean }): number[];
  /** UTF-8 bytes of a token, perhaps part of a character; none for special tokens unless `special`. */
  piece(id: number, options?: { readonly special?: boolean }): Uint8Array;
  /** The text of tokens that start a text. Special tokens have none; bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string;
  /** Whether a token is no part of the text: control and unknown tokens. */
  isSpecial(id: number): boolean;
  /** Id of the token spelled exactly so; null where there is none. */
  idOf(text: string): number | null;
}

/** Makes the tokenizer of a file. Throws `unsupported_tokenizer`, or `bad_file` where something is missing. */
export function createTokenizer(metadata: Metadata): Tokenizer {
  const model = metadata.text("tokenizer.ggml.model");
  const entry = Object.entries(ALGORITHMS).find(([name]) => name === model)?.[1];
  if (!entry) {
    const known = Object.keys(ALGORITHMS).join(", ");
    throw new EngineError(
      "unsupported_tokenizer",
      `The file's tokenizer is "${model ?? "none"}"; known are ${known}.`,
      "Choose another model file.",
    );
  }
  const vocabulary = new Vocabulary(metadata, entry.specials);
  const algorithm = entry.create(vocabulary, metadata);
  return new FileTokenizer(vocabulary, algorithm, {
    bos: metadata.flag("tokenizer.ggml.add_bos_token") ?? algorithm.addBos,
    eos: metadata.flag("tokenizer.ggml.add_eos_token") ?? false,
  });
}

class FileTokenizer implements Tokenizer {
  readonly vocab: number;
  readonly bos: number | null;
  readonly eos: number | null;
  readonly endIds: readonly number[];
  readonly addBos: boolean;
  readonly addEos: boolean;
  readonly spacePrefix: boolean;
  readonly specialTexts: readonly string[];
  readonly guard = GUARD;

  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly algorithm: Algorithm,
    add: { readonly bos: boolean; readonly eos: boolean },
  ) {
    this.vocab = vocabulary.size;
    this.bos = vocabulary.bos;
    this.eos = vocabulary.eos;
    this.endIds = vocabulary.endIds;
    this.addBos = add.bos && this.bos !== null;
    this.addEos = add.eos && this.eos !== null;
    this.spacePrefix = algorithm.spacePrefix;
    this.specialTexts = vocabulary.specialIds.filter((id) => vocabulary.isHidden(id)).map((id) => vocabulary.texts[id]);
  }

  encode(text: string, { bos = false, special = false } = {}): number[] {
    const tokens: number[] = [];
    let first = true;
    for (const fragment of partition(text.toWellFormed(), this.vocabulary, special)) {
      if (typeof fragment === "number") tokens.push(fragment);
      else this.algorithm.encode(fragment.replaceAll(GUARD, ""), first, tokens);
      first = typeof fragment === "number";
    }
    if (bos && this.bos !== null && tokens[0] !== this.bos) tokens.unshift(this.bos);
    return tokens;
  }

  piece(id: number, { special = false } = {}): Uint8Array {
    const { vocabulary } = this;
    if (vocabulary.isHidden(id) && !special) return NOTHING;
    if (vocabulary.isHidden(id) || vocabulary.isUserDefined(id)) return new TextEncoder().encode(vocabulary.texts[id]);
    return vocabulary.isNormal(id) || vocabulary.isByte(id) ? this.algorithm.bytes(id) : NOTHING;
  }

  decode(ids: readonly number[]): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    for (const id of ids) text += decoder.decode(this.piece(id), { stream: true });
    text += decoder.decode();
    return this.spacePrefix && text.startsWith(" ") ? text.slice(1) : text;
  }

  isSpecial(id: number): boolean {
    return this.vocabulary.isHidden(id);
  }

  idOf(text: string): number | null {
    return this.vocabulary.idOf(text);
  }
}

const NOTHING = new Uint8Array(0);
/** A noncharacter, which Unicode keeps free for a program's own use and no text may contain. */
const GUARD = "\ufdd0";
