// The key-value part of a model file, as its readers see it: tokenizers and templates ask here and import no parser.

/** Values by their GGUF key, checked for kind. A key that is absent gives null; one of another kind throws `bad_file`. */
export interface Metadata {
  /** A string: "tokenizer.ggml.model". */
  text(key: string): string | null;
  /** A number of any GGUF width; 64-bit ones beyond 2^53 are rounded. */
  number(key: string): number | null;
  /** A boolean. */
  flag(key: string): boolean | null;
  /** An array of numbers of any width: "tokenizer.ggml.scores". */
  numbers(key: string): ArrayLike<number> | null;
  /** An array of strings: "tokenizer.ggml.tokens". */
  texts(key: string): readonly string[] | null;
}
