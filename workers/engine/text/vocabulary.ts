// The tokens of a model file: their texts, what kind they are, and which of them begin and end a text.
// Source: llama.cpp src/llama-vocab.cpp, llama_vocab::impl::load.
import { EngineError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";

/** tokenizer.ggml.token_type, as stored. */
const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** End-of-generation tokens are known by their text, whatever type the file gives them. */
const END_TEXTS = [
  [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
  ],
  ["<|end_of_text|>", "<end_of_utterance>", "<eos>", "<｜end▁of▁sentence｜>", "<|return|>", "<|call|>"],
].flat();

/** Tokens of fill-in-the-middle by role: the file's key, else the first of these texts. Some end a generation too. */
const FILL_IN_ROLES = [
  {
    key: "fim_pre_token_id",
    ends: false,
    texts: ["<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>"],
  },
  {
    key: "fim_suf_token_id",
    ends: false,
    texts: ["<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>"],
  },
  {
    key: "fim_mid_token_id",
    ends: false,
    texts: ["<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>"],
  },
  { key: "fim_pad_token_id", ends: true, texts: ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"] },
  { key: "fim_rep_token_id", ends: true, texts: ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"] },
  { key: "fim_sep_token_id", ends: true, texts: ["<|file_sep|>"] },
] as const;

/** The tokens every text may need; null where there is none. */
export interface SpecialIds {
  readonly bos: number | null;
  readonly eos: number | null;
  readonly unknown: number | null;
}

/** A token's number in `scores`, `types` and the model's embedding is its id. */
export class Vocabulary {
  readonly texts: readonly string[];
  readonly bos: number | null;
  readonly eos: number | null;
  readonly unknown: number | null;
  readonly endIds: readonly number[];
  /** Tokens that are looked for in the text before it is cut, longest first. */
  readonly specialIds: readonly number[];
  private readonly types: Uint8Array; // [vocab], of TOKEN_TYPES
  private readonly ids: Map<string, number>;
  private readonly hidden: Uint8Array; // [vocab], 1 for control and unknown tokens
  private readonly swallowing: boolean;

  /** `defaults` count where the file names none. Throws `bad_file`. */
  constructor(metadata: Metadata, defaults: SpecialIds) {
    const texts = metadata.texts("tokenizer.ggml.tokens");
    if (!texts?.length) throw badVocabulary("The file has no vocabulary (tokenizer.ggml.tokens).");
    this.texts = texts.includes("") ? texts.map((text, id) => text || `[EMPTY_${id}]`) : texts;
    this.ids = new Map();
    for (let id = 0; id < texts.length; id++) this.ids.set(this.texts[id], id);
    this.types = tokenTypes(metadata, texts.length);
    this.hidden = this.types.map((type) => (type === TOKEN_TYPES.control || type === TOKEN_TYPES.unknown ? 1 : 0));

    this.bos = this.named(metadata, "bos_token_id") ?? this.known(defaults.bos);
    this.eos = this.named(metadata, "eos_token_id") ?? this.known(defaults.eos);
    this.unknown = this.named(metadata, "unknown_token_id") ?? this.known(defaults.unknown);
    this.endIds = this.findEnds(metadata);
    this.specialIds = this.findSpecials();
    // No file says so, but these models were trained with it.
    this.swallowing = /phi-?3/i.test(metadata.text("general.name") ?? "");
  }

  get size(): number {
    return this.texts.length;
  }

  idOf(text: string): number | null {
    return this.ids.get(text) ?? null;
  }

  /** Control and unknown tokens: no part of the text, and only read from it where the caller allows. */
  isHidden(id: number): boolean {
    return this.hidden[id] === 1;
  }

  isUserDefined(id: number): boolean {
    return this.types[id] === TOKEN_TYPES.userDefined;
  }

  isByte(id: number): boolean {
    return this.types[id] === TOKEN_TYPES.byte;
  }

  isNormal(id: number): boolean {
    return this.types[id] === TOKEN_TYPES.normal;
  }

  /** Whether white space after this special token is dropped. */
  swallowsSpaceAfter(id: number): boolean {
    if (!this.swallowing) return false;
    const text = this.texts[id];
    return text !== "<unk>" && text !== "<s>" && text !== "<|endoftext|>";
  }

  /** The id under a key of the file; null where there is none, or none that can be. */
  private named(metadata: Metadata, key: string): number | null {
    return this.known(metadata.number(`tokenizer.ggml.${key}`));
  }

  private known(id: number | null): number | null {
    return id !== null && id >= 0 && id < this.size ? id : null;
  }

  /** The tokens that end a generation. Those known by their text alone become hidden on the way. */
  private findEnds(metadata: Metadata): number[] {
    const found: (number | null)[] = [this.eos, this.named(metadata, "eot_token_id"), this.named(metadata, "eom_token_id")];
    for (const { key, ends, texts } of FILL_IN_ROLES) {
      const id = this.named(metadata, key) ?? this.hide(texts.find((text) => this.ids.has(text)));
      if (ends) found.push(id);
    }
    for (const text of END_TEXTS) found.push(this.hide(text));
    return [...new Set(found)].filter((id) => id !== null).sort((a, b) => a - b);
  }

  private hide(text: string | undefined): number | null {
    const id = text === undefined ? null : this.idOf(text);
    if (id !== null) this.hidden[id] = 1;
    return id;
  }

  private findSpecials(): number[] {
    const encoder = new TextEncoder();
    const specials: { id: number; bytes: number }[] = [];
    for (let id = 0; id < this.size; id++) {
      if (this.isHidden(id) || this.isUserDefined(id)) specials.push({ id, bytes: encoder.encode(this.texts[id]).length });
    }
    return specials.sort((a, b) => b.bytes - a.bytes || a.id - b.id).map(({ id }) => id);
  }
}

function tokenTypes(metadata: Metadata, count: number): Uint8Array {
  const stored = metadata.numbers("tokenizer.ggml.token_type");
  if (!stored) return new Uint8Array(count).fill(TOKEN_TYPES.normal);
  if (stored.length < count) throw badVocabulary(`The vocabulary has ${count} tokens, but types for ${stored.length}.`);
  return Uint8Array.from({ length: count }, (_, id) => stored[id]);
}

function badVocabulary(message: string): EngineError {
  return new EngineError("bad_file", message, "Choose another model file.");
}
