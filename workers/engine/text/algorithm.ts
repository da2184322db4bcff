// What a kind of tokenizer has to know: how plain text becomes tokens, and what bytes a token stands for.
import type { Metadata } from "../base/metadata.ts";
import type { SpecialIds, Vocabulary } from "./vocabulary.ts";

/** One way of cutting text into tokens, over one vocabulary. Special tokens are taken out before it sees the text. */
export interface Algorithm {
  /** Whether text gets a space in front where it starts or follows a special token. */
  readonly spacePrefix: boolean;
  /** Whether text starts with the start token where the file doesn't say. */
  readonly addBos: boolean;
  /** Appends the tokens of a text without special tokens. `first`: nothing, or a special token, stands before it. */
  encode(text: string, first: boolean, tokens: number[]): void;
  /** The UTF-8 bytes a normal token stands for; perhaps part of a character. */
  bytes(id: number): Uint8Array;
}

/** A kind of tokenizer, as the registry has it. */
export interface AlgorithmKind {
  /** Special tokens where the file names none. */
  readonly specials: SpecialIds;
  /** Makes the algorithm of a file. Throws `unsupported_tokenizer`, or `bad_file` where something it needs is missing. */
  create(vocabulary: Vocabulary, metadata: Metadata): Algorithm;
}
