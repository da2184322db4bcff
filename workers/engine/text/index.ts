// The kinds of tokenizer, by tokenizer.ggml.model.
import { byteLevel } from "./bytelevel.ts";
import { sentencePiece } from "./sentencepiece.ts";

/** Algorithm and default tokens of each kind. A new kind is a file and a line. */
export const ALGORITHMS = {
  llama: sentencePiece,
  gpt2: byteLevel,
} as const;
