// Takes special tokens out of a text before it is cut into ordinary ones.
// Source: llama.cpp src/llama-vocab.cpp, tokenizer_st_partition.
import type { Vocabulary } from "./vocabulary.ts";

/** A run of plain text, or the id of a special token. */
export type Fragment = string | number;

/**
 * The text as fragments in order. User-defined tokens are always taken out, control tokens only where `special` allows.
 * A longer token is taken before a shorter one, wherever they stand.
 */
export function partition(text: string, vocabulary: Vocabulary, special: boolean): Fragment[] {
  let fragments: Fragment[] = text === "" ? [] : [text];
  for (const id of vocabulary.specialIds) {
    if (!special && vocabulary.isHidden(id)) continue;
    if (!text.includes(vocabulary.texts[id])) continue;
    fragments = fragments.flatMap((fragment) => (typeof fragment === "string" ? takeOut(fragment, id, vocabulary) : [fragment]));
  }
  return fragments;
}

function takeOut(text: string, id: number, vocabulary: Vocabulary): Fragment[] {
  const token = vocabulary.texts[id];
  const fragments: Fragment[] = [];
  let from = 0;
  for (let at = text.indexOf(token); at !== -1; at = text.indexOf(token, from)) {
    if (at > from) fragments.push(text.slice(from, at));
    fragments.push(id);
    from = at + token.length;
    if (vocabulary.swallowsSpaceAfter(id)) while (isSpace(text.charCodeAt(from))) from++;
  }
  if (from < text.length) fragments.push(text.slice(from));
  return fragments;
}

/** White space as C's isspace has it: tab to carriage return, and the space. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
