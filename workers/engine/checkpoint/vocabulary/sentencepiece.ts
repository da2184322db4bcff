// tokenizer.model: the vocabulary of LLaMA 1 and 2, as SentencePiece wrote it.
// Source: google/sentencepiece src/sentencepiece_model.proto; llama.cpp convert_hf_to_gguf.py, _set_vocab_sentencepiece.
import { EngineError } from "../../base/errors.ts";
import { type CheckpointVocabulary, TOKEN_TYPE } from "../checkpoint.ts";
import { damaged } from "../formats/errors.ts";
import { fieldsIn } from "./protobuf.ts";

// Fields of ModelProto, SentencePiece, TrainerSpec and NormalizerSpec.
const [PIECES, TRAINER, NORMALIZER] = [1, 2, 3];
const [PIECE, SCORE, TYPE] = [1, 2, 3];
const [MODEL_TYPE, UNKNOWN_ID, BOS_ID, EOS_ID, PAD_ID] = [3, 40, 41, 42, 43];
const ADD_DUMMY_PREFIX = 3;
const BPE = 2;

/** Reads the vocabulary. Throws `bad_file`, and `unsupported_tokenizer` for SentencePiece's other algorithms. */
export function readSentencePiece(file: string, bytes: Uint8Array): CheckpointVocabulary {
  const tokens: string[] = [];
  const scores: number[] = [];
  const types: number[] = [];
  let trainer = new Map<number, number>();
  let addSpacePrefix = true;
  for (const { number, bytes: message } of fieldsIn(file, bytes)) {
    if (number === PIECES) {
      const piece = pieceOf(file, message);
      tokens.push(piece.text);
      scores.push(piece.score);
      types.push(piece.type);
    }
    if (number === TRAINER) trainer = new Map([...fieldsIn(file, message)].map((field) => [field.number, field.value]));
    if (number === NORMALIZER) {
      for (const field of fieldsIn(file, message)) if (field.number === ADD_DUMMY_PREFIX) addSpacePrefix = field.value !== 0;
    }
  }
  if (tokens.length === 0) throw damaged(file, "it has no pieces");
  if (trainer.has(MODEL_TYPE) && trainer.get(MODEL_TYPE) !== BPE) {
    throw new EngineError(
      "unsupported_tokenizer",
      `${file} is a SentencePiece model of another algorithm than BPE.`,
      "Choose a model of the LLaMA family.",
    );
  }
  const id = (field: number, absent: number): number | null => {
    const value = trainer.get(field) ?? absent;
    return value >= 0 && value < tokens.length ? value : null;
  };
  return {
    model: "llama",
    pre: "default",
    tokens,
    scores,
    types,
    merges: null,
    unknown: id(UNKNOWN_ID, 0),
    bos: id(BOS_ID, 1),
    eos: id(EOS_ID, 2),
    pad: id(PAD_ID, -1),
    addBos: null,
    addSpacePrefix,
  };
}

function pieceOf(file: string, message: Uint8Array): { text: string; score: number; type: number } {
  let text = "";
  let score = 0;
  let type: number = TOKEN_TYPE.normal; // the default is not written
  for (const { number, value, bytes } of fieldsIn(file, message)) {
    if (number === PIECE) text = new TextDecoder().decode(bytes);
    if (number === SCORE) score = value;
    if (number === TYPE) type = value;
  }
  return { text, score, type };
}
