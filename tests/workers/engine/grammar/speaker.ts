// A model that says anything: random logits over a small vocabulary, held to a grammar. What it says shows what the grammar allows.
import { Constraint } from "../../../../workers/engine/grammar/constraint.ts";
import type { Rules } from "../../../../workers/engine/grammar/expression.ts";
import { buildNetwork } from "../../../../workers/engine/grammar/network.ts";
import { Positions } from "../../../../workers/engine/grammar/positions.ts";
import { Trie } from "../../../../workers/engine/grammar/trie.ts";
import type { Dice } from "./schemas.ts";

const WORDS = ['{"', '": ', '", "', '"}', "}, ", "]}", "null", "true", "name", "the", " cria", "ñ", "日", "10", "25", "\\n"];
/** All 256 bytes, then words, then the end token, which has no text. */
export const PIECES: Uint8Array[] = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...WORDS.map((word) => new TextEncoder().encode(word)),
  new Uint8Array(0),
];
const END = PIECES.length - 1;
const ALPHABET = { trie: new Trie(PIECES), endIds: [END], piece: (id: number) => PIECES[id]! };

/** What a speaker said, and whether it came to its end. */
export interface Said {
  readonly text: string;
  readonly tokens: number;
  readonly ended: boolean;
}

/** Says something within `budget` tokens. `chatty`: how much rather than ending it goes on. */
export function speak(rules: Rules, roll: Dice, budget: number, chatty = 2): Said {
  const constraint = new Constraint(new Positions(buildNetwork(rules)), ALPHABET, PIECES.length);
  const bytes: number[] = [];
  for (let tokens = 1; tokens <= budget; tokens++) {
    const logits = Float32Array.from(PIECES, (_, id) => (id === END ? roll() - chatty * roll() : roll()));
    if (!constraint.apply(logits, budget - tokens + 1)) return { text: decode(bytes), tokens, ended: false };
    const id = logits.reduce((best, logit, at) => (logit > logits[best]! ? at : best), 0);
    if (id === END) return { text: decode(bytes), tokens, ended: true };
    constraint.accept(id);
    bytes.push(...PIECES[id]!);
  }
  return { text: decode(bytes), tokens: budget, ended: false };
}

/** Tokens of the shortest text. */
export function shortest(rules: Rules): number {
  const constraint = new Constraint(new Positions(buildNetwork(rules)), ALPHABET, PIECES.length);
  return constraint.shortest();
}

/** Whether a text is one of the grammar's. */
export function accepts(rules: Rules, text: string): boolean {
  const positions = new Positions(buildNetwork(rules));
  let at: ReturnType<Positions["step"]> = positions.start;
  for (const byte of new TextEncoder().encode(text)) at = at && positions.step(at, byte);
  return at?.accepts ?? false;
}

function decode(bytes: readonly number[]): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
}
