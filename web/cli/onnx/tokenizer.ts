// A GGUF file's vocabulary as tokenizer.json and tokenizer_config.json.
// Source: huggingface/tokenizers (models/bpe, pre_tokenizers, normalizers); transformers' convert_slow_tokenizer.py for SentencePiece's BPE.
import type { KeyValues } from "../../../workers/engine/gguf/metadata.ts";

/** Kinds of tokens, by GGUF's numbers. */
const CONTROL = 3;
const USER_DEFINED = 4;
const UNKNOWN = 2;
/** What SentencePiece writes for a space. */
const SPACE = "▁";

/** The two files, as JSON values. Throws where the vocabulary is of a kind that is not written here. */
export function tokenizerFiles(metadata: KeyValues): { readonly tokenizer: object; readonly config: object } {
  const texts = metadata.texts("tokenizer.ggml.tokens") ?? [];
  const types = metadata.numbers("tokenizer.ggml.token_type") ?? [];
  const special = (id: number): boolean => types[id] === CONTROL || types[id] === UNKNOWN;
  const added = texts.flatMap((content, id) => {
    if (!special(id) && types[id] !== USER_DEFINED) return [];
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: special(id) }];
  });
  const model = metadata.text("tokenizer.ggml.model");
  const parts = model === "llama" ? sentencePiece(metadata, texts) : byteLevel(metadata, texts);
  const bos = metadata.number("tokenizer.ggml.bos_token_id");
  const eos = metadata.number("tokenizer.ggml.eos_token_id");
  const unknown = metadata.number("tokenizer.ggml.unknown_token_id");
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    add_bos_token: metadata.flag("tokenizer.ggml.add_bos_token") ?? model === "llama",
    ...(bos === null ? {} : { bos_token: texts[bos] }),
    ...(eos === null ? {} : { eos_token: texts[eos] }),
    ...(unknown === null ? {} : { unk_token: texts[unknown] }),
    ...(metadata.text("tokenizer.chat_template") === null ? {} : { chat_template: metadata.text("tokenizer.chat_template") }),
  };
  return { tokenizer: { version: "1.0", truncation: null, padding: null, added_tokens: added, ...parts }, config };
}

/** GPT-2's byte-level BPE, its text cut as the file's name for it says. */
function byteLevel(metadata: KeyValues, texts: readonly string[]): object {
  const pre = metadata.text("tokenizer.ggml.pre") ?? "gpt-2";
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const cutters: Readonly<Record<string, object>> = {
    "gpt-2": bytes,
    smollm: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, bytes] },
  };
  const cutter = cutters[pre];
  if (!cutter)
    throw new Error(`Vocabularies that cut text as "${pre}" does are not written; known are ${Object.keys(cutters).join(", ")}.`);
  return {
    normalizer: null,
    pre_tokenizer: cutter,
    post_processor: null,
    decoder: bytes,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(texts.map((text, id) => [text, id])),
      merges: metadata.texts("tokenizer.ggml.merges") ?? [],
    },
  };
}

/** SentencePiece's BPE: every way to make a piece of two others is a merge, the piece with the best score first. */
function sentencePiece(metadata: KeyValues, texts: readonly string[]): object {
  const scores = metadata.numbers("tokenizer.ggml.scores") ?? [];
  const ids = new Map(texts.map((text, id) => [text, id]));
  const merges: { readonly left: string; readonly right: string; readonly score: number; readonly ids: readonly number[] }[] = [];
  for (const [id, text] of texts.entries()) {
    for (let cut = 1; cut < text.length; cut++) {
      const [left, right] = [text.slice(0, cut), text.slice(cut)];
      const pair = [ids.get(left), ids.get(right)];
      if (pair[0] === undefined || pair[1] === undefined) continue;
      merges.push({ left, right, score: scores[id] ?? 0, ids: [pair[0], pair[1]] });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.ids[0]! - b.ids[0]! || a.ids[1]! - b.ids[1]!);
  const prefix = metadata.flag("tokenizer.ggml.add_space_prefix") ?? true;
  const unknown = metadata.number("tokenizer.ggml.unknown_token_id");
  const replace = { type: "Replace", pattern: { String: " " }, content: SPACE };
  return {
    normalizer: { type: "Sequence", normalizers: [...(prefix ? [{ type: "Prepend", prepend: SPACE }] : []), replace] },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: SPACE }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: unknown === null ? null : texts[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(ids),
      merges: merges.map(({ left, right }) => [left, right]),
    },
  };
}
