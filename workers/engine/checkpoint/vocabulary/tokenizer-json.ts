// tokenizer.json: byte-level BPE as GPT-2 and Llama 3 have it, and SentencePiece's BPE in the same clothes.
// Source: huggingface/tokenizers (models/bpe, pre_tokenizers); llama.cpp convert_hf_to_gguf.py, get_vocab_base_pre.
import { EngineError } from "../../base/errors.ts";
import { type CheckpointVocabulary, TOKEN_TYPE } from "../checkpoint.ts";
import { damaged } from "../formats/errors.ts";
import { fieldsOf, type Fields } from "../formats/json.ts";

const ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const REST = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const LEAD = String.raw`[^\r\n\p{L}\p{N}]?`;

/** How text is cut before merging: by the pattern in the file, and llama.cpp's name for it. */
const PATTERNS = new Map([
  [String.raw`${ENDINGS}|${LEAD}\p{L}+|\p{N}{1,3}|${REST}`, "llama-bpe"],
  [String.raw`${ENDINGS}|${LEAD}\p{L}+|\p{N}|${REST}`, "qwen2"],
  [
    String.raw`${LEAD}${UPPER}*${LOWER}+|${LEAD}${UPPER}+${LOWER}*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    "tekken",
  ],
]);

/** Reads the vocabulary. Throws `bad_file`, `unsupported_tokenizer`. */
export function readTokenizerJson(file: Fields): CheckpointVocabulary {
  const model = file.fields("model");
  const pieces = model?.fields("vocab") ?? null;
  if (!model || !pieces) throw unsupported(`${file.file} has no vocabulary of the BPE kind.`);
  const kind = model.text("type");
  if (kind !== "BPE" && kind !== null) throw unsupported(`${file.file} is of the kind ${kind}, which LLaMA models do not use.`);
  const merges = mergesIn(file.file, model);
  const tokens: string[] = [];
  for (const text of pieces.keys) tokens[idOf(file.file, text, pieces.number(text))] = text;
  const types = tokens.map((): number => TOKEN_TYPE.normal);
  for (const added of (file.list("added_tokens") ?? []).map((token) => fieldsOf(file.file, token))) {
    const text = added?.text("content") ?? null;
    if (!added || text === null) throw damaged(file.file, "it adds a token without a text");
    const id = idOf(file.file, text, added.number("id"));
    tokens[id] = text;
    types[id] = added.flag("special") ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
  }
  fillHoles(tokens, types);
  const spelledInBytes = model.flag("byte_fallback") === true;
  const unknown = tokens.indexOf(model.text("unk_token") ?? "");
  if (spelledInBytes) {
    for (const [id, text] of tokens.entries()) if (/^<0x[0-9A-F]{2}>$/.test(text)) types[id] = TOKEN_TYPE.byte;
    if (unknown >= 0) types[unknown] = TOKEN_TYPE.unknown;
  }
  const common = { tokens, types, unknown: unknown >= 0 ? unknown : null, bos: null, eos: null, pad: null };
  return spelledInBytes
    ? { ...common, model: "llama", pre: "default", scores: scoresOf(tokens, merges), merges: null, ...prefixes(file) }
    : { ...common, model: "gpt2", pre: preOf(file), scores: null, merges, addBos: addsBos(file), addSpacePrefix: null };
}

/** Each merge as "left right", whichever way the file writes it. */
function mergesIn(file: string, model: Fields): string[] {
  return (model.list("merges") ?? []).map((merge: unknown) => {
    if (typeof merge === "string") return merge;
    if (Array.isArray(merge) && merge.length === 2) return merge.join(" ");
    throw damaged(file, "it has a merge of what are not two pieces");
  });
}

/** SentencePiece merges whatever makes the best piece: the order in which pieces were first merged is the order of their scores. */
function scoresOf(tokens: readonly string[], merges: readonly string[]): number[] {
  const ranks = new Map<string, number>();
  for (const merge of merges) {
    const piece = merge.replace(" ", "");
    if (!ranks.has(piece)) ranks.set(piece, ranks.size);
  }
  return tokens.map((text) => -(ranks.get(text) ?? ranks.size));
}

function preOf(file: Fields): string {
  const cutter = file.fields("pre_tokenizer");
  const steps = cutter?.text("type") === "Sequence" ? (cutter.list("pretokenizers") ?? []) : cutter ? [cutter] : [];
  const named = steps.map((step) => (step === cutter ? cutter : fieldsOf(file.file, step)));
  const kinds = named.map((step) => step?.text("type") ?? "?").join(", ");
  if (kinds === "ByteLevel") return "gpt-2";
  if (kinds === "Digits, ByteLevel" && named[0]?.flag("individual_digits")) return "smollm";
  const pattern = named[0]?.fields("pattern")?.text("Regex") ?? "";
  const pre = kinds === "Split, ByteLevel" ? PATTERNS.get(pattern) : undefined;
  if (pre) return pre;
  throw unsupported(`${file.file} cuts text in a way that is not known here (${kinds}: ${pattern.slice(0, 120)}).`);
}

/** Whether the start token is put in front, as the post-processor says. */
function addsBos(file: Fields): boolean | null {
  const last = file.fields("post_processor");
  const steps = last?.text("type") === "Sequence" ? (last.list("processors") ?? []) : last ? [last] : [];
  for (const step of steps.map((each) => (each === last ? last : fieldsOf(file.file, each)))) {
    if (step?.text("type") !== "TemplateProcessing") continue;
    const first = fieldsOf(file.file, step.list("single")?.[0]);
    return first?.has("SpecialToken") ?? false;
  }
  return null;
}

function prefixes(file: Fields): Pick<CheckpointVocabulary, "addBos" | "addSpacePrefix"> {
  const normalizers = file.fields("normalizer")?.list("normalizers") ?? [];
  const prepends = normalizers.some((step) => fieldsOf(file.file, step)?.text("type") === "Prepend");
  const metaspace = file.fields("pre_tokenizer");
  const scheme = metaspace?.text("prepend_scheme") ?? (metaspace?.flag("add_prefix_space") === false ? "never" : null);
  return { addBos: addsBos(file), addSpacePrefix: metaspace?.text("type") === "Metaspace" ? scheme !== "never" : prepends };
}

/** An id, which has to be one: a vocabulary is a list. */
function idOf(file: string, text: string, id: number | null): number {
  if (id !== null && Number.isInteger(id) && id >= 0 && id < 1 << 22) return id;
  throw damaged(file, `its token ${JSON.stringify(text.slice(0, 40))} has no id`);
}

/** Ids that were never given out. */
function fillHoles(tokens: string[], types: number[]): void {
  for (let id = 0; id < tokens.length; id++) {
    if (tokens[id] !== undefined) continue;
    tokens[id] = `[PAD${id}]`;
    types[id] = TOKEN_TYPE.unused;
  }
}

function unsupported(message: string): EngineError {
  return new EngineError("unsupported_tokenizer", message, "Choose a GGUF file of the model.");
}
