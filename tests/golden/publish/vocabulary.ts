// Writes a vocabulary as SentencePiece's tokenizer.model and as tokenizer.json.
// Source: google/sentencepiece src/sentencepiece_model.proto.
import { f32, join, utf8, type Bytes } from "./bytes.ts";

/** Tokens in the order of their ids; types are GGUF's and SentencePiece's alike. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly scores: ArrayLike<number>;
  readonly types: ArrayLike<number>;
}

/** tokenizer.model with the ids of LLaMA: unknown 0, start 1, end 2, no padding. */
export function sentencePieceModel({ tokens, scores, types }: Vocabulary): Bytes {
  const pieces = tokens.map((token, id) => {
    const text = utf8(token);
    const type = types[id] === 1 ? [] : [varint(3 << 3), varint(types[id]!)]; // the default is left out
    return message(1, join(varint((1 << 3) | 2), varint(text.length), text, varint((2 << 3) | 5), f32(scores[id]!), ...type));
  });
  const id = (field: number, value: number): Bytes => join(varint(field << 3), varint(value));
  const minusOne = join(varint(43 << 3), Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 255, 1));
  const trainer = join(id(3, 2), id(40, 0), id(41, 1), id(42, 2), minusOne);
  return join(...pieces, message(2, trainer), message(3, id(3, 1)));
}

/** tokenizer.json of the same: merges in the order of the scores, spelled in bytes where no piece is. */
export function tokenizerJson({ tokens, scores, types }: Vocabulary): Bytes {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const pieces = tokens.map((token, id) => ({ token, id })).filter(({ id }) => types[id] === 1);
  const merges = pieces
    .sort((a, b) => scores[b.id]! - scores[a.id]! || a.id - b.id)
    .flatMap(({ token }) => {
      const characters = [...token];
      const cuts = characters.map((_, at) => [characters.slice(0, at).join(""), characters.slice(at).join("")] as const);
      return cuts.filter(([left, right]) => left !== "" && ids.has(left) && ids.has(right)).map((pair) => pair.join(" "));
    });
  return utf8(
    JSON.stringify({
      version: "1.0",
      added_tokens: [0, 1, 2].map((id) => ({ id, content: tokens[id], special: true })),
      normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace" }] },
      pre_tokenizer: null,
      post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>" } }, { Sequence: { id: "A" } }] },
      model: { type: "BPE", byte_fallback: true, unk_token: tokens[0], vocab: Object.fromEntries(ids), merges },
    }),
  );
}

function message(field: number, bytes: Uint8Array): Bytes {
  return join(varint((field << 3) | 2), varint(bytes.length), bytes);
}

function varint(value: number): Bytes {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
  return Uint8Array.of(...bytes, value);
}
