// Llama 3's own tokenizer.model: byte-level tokens by rank, from which the merges follow.
// Source: meta-llama/llama3 llama/tokenizer.py (special tokens); transformers convert_slow_tokenizer.py, TikTokenConverter (merges).
import { spelled } from "../../text/bytes.ts";
import { type CheckpointVocabulary, TOKEN_TYPE } from "../checkpoint.ts";
import { damaged } from "../formats/errors.ts";

const RESERVED = 256;
/** Special tokens by their place after the ordinary ones; the others are reserved. */
const NAMED = new Map([
  [0, "<|begin_of_text|>"],
  [1, "<|end_of_text|>"],
  [4, "<|finetune_right_pad_id|>"],
  [6, "<|start_header_id|>"],
  [7, "<|end_header_id|>"],
  [8, "<|eom_id|>"],
  [9, "<|eot_id|>"],
  [10, "<|python_tag|>"],
]);

/** Whether a file's first bytes are a line of base64 and a number. */
export function looksLikeTiktoken(first: Uint8Array): boolean {
  return /^[A-Za-z0-9+/]+=* \d+\n/.test(String.fromCharCode(...first.subarray(0, 32)));
}

/** Reads the vocabulary. Throws `bad_file`. */
export function readTiktoken(file: string, bytes: Uint8Array): CheckpointVocabulary {
  const binary: string[] = []; // each token's bytes as characters 0 to 255
  for (const line of new TextDecoder().decode(bytes).split("\n")) {
    if (line === "") continue;
    const [, base64, rank] = /^([A-Za-z0-9+/]+=*) (\d+)$/.exec(line) ?? [];
    if (base64 === undefined || Number(rank) !== binary.length) throw damaged(file, `line ${binary.length + 1} is no token`);
    try {
      binary.push(atob(base64));
    } catch {
      throw damaged(file, `line ${binary.length + 1} is no base64`);
    }
  }
  const ranks = new Map(binary.map((text, rank) => [text, rank]));
  const merges = binary.flatMap((text) => pairs(text, ranks).map(([left, right]) => `${spell(left)} ${spell(right)}`));
  const tokens = [...binary.map(spell), ...Array.from({ length: RESERVED }, (_, i) => NAMED.get(i) ?? `<|reserved_${i}|>`)];
  return {
    model: "gpt2",
    pre: "llama-bpe",
    tokens,
    scores: null,
    types: tokens.map((_, id) => (id < binary.length ? TOKEN_TYPE.normal : TOKEN_TYPE.control)),
    merges,
    bos: binary.length,
    eos: binary.length + 1,
    unknown: null,
    pad: null,
    addBos: true,
    addSpacePrefix: null,
  };
}

/** Every way to make a token of two others; those of earlier tokens first. */
function pairs(text: string, ranks: ReadonlyMap<string, number>): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 1; at < text.length; at++) {
    const [left, right] = [text.slice(0, at), text.slice(at)];
    if (ranks.has(left) && ranks.has(right)) found.push([left, right]);
  }
  const rank = (piece: string): number => ranks.get(piece) ?? 0;
  return found.sort((a, b) => rank(a[0]) - rank(b[0]) || rank(a[1]) - rank(b[1]));
}

/** Bytes, as characters 0 to 255, in the alphabet of byte-level tokens. */
function spell(binary: string): string {
  return spelled(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
