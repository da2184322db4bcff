// The vocabulary among a model's files: tokenizer.model before tokenizer.json, then what the smaller files add to it.
import type { ByteSource } from "../../base/source.ts";
import { type CheckpointVocabulary, TOKEN_TYPE } from "../checkpoint.ts";
import { damaged } from "../formats/errors.ts";
import { fieldsOf, readFields, type Fields } from "../formats/json.ts";
import { readWhole } from "../formats/region.ts";
import { readSentencePiece } from "./sentencepiece.ts";
import { looksLikeTiktoken, readTiktoken } from "./tiktoken.ts";
import { readTokenizerJson } from "./tokenizer-json.ts";

/** Files by name. */
export type Folder = ReadonlyMap<string, ByteSource>;

/** What the folder says of text: its tokens, and how messages become a prompt. */
export interface Language {
  readonly vocabulary: CheckpointVocabulary | null;
  readonly template: string | null;
}

/** Reads what there is. Throws `bad_file`, `unsupported_tokenizer`. */
export async function readLanguage(folder: Folder, config: Fields | null, signal?: AbortSignal): Promise<Language> {
  const read = async (name: string): Promise<Fields | null> => {
    const source = folder.get(name);
    return source ? readFields(source, signal) : null;
  };
  const settings = await read("tokenizer_config.json");
  const vocabulary = await readVocabulary(folder, signal);
  const jinja = folder.get("chat_template.jinja");
  const template = jinja ? new TextDecoder().decode(await readWhole(jinja, signal)) : templateIn(settings);
  if (!vocabulary) return { vocabulary, template };
  const added = addTokens(vocabulary, tokensAdded(await read("added_tokens.json"), settings));
  return { vocabulary: nameSpecials(added, settings, config), template };
}

async function readVocabulary(folder: Folder, signal?: AbortSignal): Promise<CheckpointVocabulary | null> {
  const model = folder.get("tokenizer.model");
  if (model) {
    const bytes = await readWhole(model, signal);
    return looksLikeTiktoken(bytes) ? readTiktoken(model.name, bytes) : readSentencePiece(model.name, bytes);
  }
  const json = folder.get("tokenizer.json");
  return json ? readTokenizerJson(await readFields(json, signal)) : null;
}

interface AddedToken {
  readonly text: string;
  readonly id: number;
  readonly special: boolean;
}

/** From added_tokens.json ({"[PAD]": 32000}) and tokenizer_config.json ({"added_tokens_decoder": {"32000": {…}}}). */
function tokensAdded(simple: Fields | null, settings: Fields | null): AddedToken[] {
  const added: AddedToken[] = [];
  for (const text of simple?.keys ?? []) {
    const id = simple?.number(text) ?? null;
    if (id !== null) added.push({ text, id, special: /^(\[PAD\]|<pad>|<\|.*\|>)$/.test(text) });
  }
  const decoder = settings?.fields("added_tokens_decoder") ?? null;
  for (const id of decoder?.keys ?? []) {
    const token = decoder?.fields(id);
    const text = token?.text("content") ?? null;
    if (token && text !== null) added.push({ text, id: Number(id), special: token.flag("special") ?? false });
  }
  return added.sort((a, b) => a.id - b.id);
}

/** Tokens past the end of a vocabulary, or of a new meaning within it; those that are there already stay as they are. */
function addTokens(vocabulary: CheckpointVocabulary, added: readonly AddedToken[]): CheckpointVocabulary {
  const tokens = [...vocabulary.tokens];
  const types = [...vocabulary.types];
  const scores = vocabulary.scores ? [...vocabulary.scores] : null;
  for (const { text, id, special } of added) {
    if (tokens[id] === text) continue;
    if (!Number.isInteger(id) || id < 0 || id > tokens.length)
      throw damaged("added_tokens.json", `it adds the token ${id} to ${tokens.length}`);
    tokens[id] = text;
    types[id] = special ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
    if (scores) scores[id] = -1000; // as llama.cpp's converter has it
  }
  return { ...vocabulary, tokens, types, scores };
}

/** Start, end and padding tokens as the files name them. What they name wrongly (old conversions say "") does not count. */
function nameSpecials(vocabulary: CheckpointVocabulary, settings: Fields | null, config: Fields | null): CheckpointVocabulary {
  const named = (key: string): number | null => {
    const text = settings?.text(key) ?? settings?.fields(key)?.text("content") ?? "";
    const id = text === "" ? -1 : vocabulary.tokens.indexOf(text);
    return id >= 0 ? id : null;
  };
  // config.json counts only where there is nothing better: old conversions have 0 and 1 in it.
  const configured = (key: string): number | null => {
    const id = config?.number(key) ?? config?.list(key)?.[0] ?? null;
    return typeof id === "number" && id >= 0 && id < vocabulary.tokens.length ? id : null;
  };
  return {
    ...vocabulary,
    bos: named("bos_token") ?? vocabulary.bos ?? configured("bos_token_id"),
    eos: named("eos_token") ?? vocabulary.eos ?? configured("eos_token_id"),
    unknown: vocabulary.unknown ?? named("unk_token"),
    pad: named("pad_token") ?? vocabulary.pad,
    addBos: settings?.flag("add_bos_token") ?? vocabulary.addBos,
  };
}

/** The chat template; of several the one named "default", else the first. */
function templateIn(settings: Fields | null): string | null {
  const list = (settings?.list("chat_template") ?? []).map((entry) => fieldsOf("tokenizer_config.json", entry));
  const several = list.find((entry) => entry?.text("name") === "default") ?? list[0];
  return settings?.text("chat_template") ?? several?.text("template") ?? null;
}
