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
    if (!texts?.length)
      throw new EngineError("bad_file", "The file has no vocabulary (tokenizer.ggml.tokens).", "Choose another model file.");
    this.texts = texts.includes("") ? texts.map((text, id) => text || `[EMPTY_${id}]`) : texts;
    this.ids = new Map();
    for (let id = 0; id < texts.length; id++) this.ids.set(this.texts[id], id);
    this.types = tokenTypes(metadata, texts.length);
    this.hidden = this.types.map((type) => (type === TOKEN_TYPES.control || type === TOKEN_TYPES.unknown ? 1 : 0));

    const named = (key: string): number | null => {
      const id = metadata.number(`tokenizer.ggml.${key}`);
      return id !== null && id >= 0 && id < texts.length ? id : null;
    };
    const fallback = (id: number | null): number | null => (id !== null && id < texts.length ? id : null);
    this.bos = named("bos_token_id") ?? fallback(defaults.bos);
    this.eos = named("eos_token_id") ?? fallback(defaults.eos);
    this.unknown = named("unknown_token_id") ?? fallback(defaults.unknown);
    const ends = new Set<number>();
    for (const { key, ends: ending, texts: candidates } of FILL_IN_ROLES) {
      const id = named(key) ?? this.hide(candidates.find((text) => this.ids.has(text)));
      if (ending && id !== null) ends.add(id);
    }
    for (const text of END_TEXTS) {
      const id = this.hide(text);
      if (id !== null) ends.add(id);
    }
    for (const id of [this.eos, named("eot_token_id"), named("eom_token_id")]) if (id !== null) ends.add(id);
    this.endIds = [...ends].sort((a, b) => a - b);

    const bytes = (id: number): number => new TextEncoder().encode(this.texts[id]).length;
    const specials: { id: number; length: number }[] = [];
    for (let id = 0; id < texts.length; id++)
      if (this.hidden[id] || this.isUserDefined(id)) specials.push({ id, length: bytes(id) });
    this.specialIds = specials.sort((a, b) => b.length - a.length || a.id - b.id).map(({ id }) => id);
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

  private hide(text: string | undefined): number | null {
    const id = text === undefined ? null : this.idOf(text);
    if (id !== null) this.hidden[id] = 1;
    return id;
  }
}

function tokenTypes(metadata: Metadata, count: number): Uint8Array {
  const stored = metadata.numbers("tokenizer.ggml.token_type");
  if (!stored) return new Uint8Array(count).fill(TOKEN_TYPES.normal);
  if (stored.length < count)
    throw new EngineError("bad_file", `The vocabulary has ${count} tokens, but types for ${stored.length}.`);
  return Uint8Array.from({ length: count }, (_, id) => stored[id]);
}
