// What an answer has to look like, and the grammar that says so for the vocabulary of a model.
import { EngineError } from "../base/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Constraint, type Alphabet } from "./constraint.ts";
import { ebnfRules } from "./ebnf.ts";
import { characters, rule, type Rules } from "./expression.ts";
import { jsonRules } from "./json.ts";
import { buildNetwork } from "./network.ts";
import { patternExpression } from "./pattern.ts";
import { Positions } from "./positions.ts";
import { schemaRules, type JsonSchema } from "./schema.ts";
import { Trie } from "./trie.ts";

/** The form of an answer: any JSON object, JSON of a schema, a text that matches a pattern from end to end, or one of a grammar. */
export type Format =
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly schema: JsonSchema }
  | { readonly kind: "pattern"; readonly pattern: string }
  | { readonly kind: "grammar"; readonly grammar: string }
  | { readonly kind: "rules"; readonly rules: Rules };

/** Grammars that are kept: the same form is often asked for again. */
const MOST_KEPT = 8;

/** The grammars of one model. */
export class Grammars {
  private alphabet: Alphabet | null = null;
  private readonly kept = new Map<string, Positions>();

  constructor(private readonly tokenizer: Tokenizer) {}

  /**
   * Holds an answer of at most `limit` tokens to a form. Throws `bad_request` for a form that can't be enforced, and for a limit
   * that even the shortest answer would exceed.
   */
  constrain(format: Format, limit: number): Constraint {
    const { tokenizer } = this;
    this.alphabet ??= alphabetOf(tokenizer);
    const constraint = new Constraint(this.positionsOf(format), this.alphabet, tokenizer.vocab);
    const least = constraint.shortest();
    if (least <= limit) return constraint;
    const message = `An answer of this form takes ${least} tokens at least; there is room for ${limit}.`;
    throw new EngineError("bad_request", message, "Raise max_tokens, shorten the prompt, or ask for less.");
  }

  private positionsOf(format: Format): Positions {
    const key = JSON.stringify(format, (_, value: unknown) => (value instanceof Map ? [...value] : value));
    const positions = this.kept.get(key) ?? new Positions(buildNetwork(rulesOf(format)));
    // The one used last stays longest.
    this.kept.delete(key);
    this.kept.set(key, positions);
    const oldest = this.kept.keys().next().value;
    if (this.kept.size > MOST_KEPT && oldest !== undefined) this.kept.delete(oldest);
    return positions;
  }
}

/** The rules of a form. Throws `bad_request`. */
export function rulesOf(format: Format): Rules {
  if (format.kind === "rules") return format.rules;
  if (format.kind === "json") return new Map([...jsonRules(), ["root", rule("object")]]);
  if (format.kind === "schema") return schemaRules(format.schema);
  if (format.kind === "grammar") return ebnfRules(format.grammar);
  return new Map([["root", patternExpression(format.pattern, characters, true)]]);
}

function alphabetOf(tokenizer: Tokenizer): Alphabet {
  const pieces = Array.from({ length: tokenizer.vocab }, (_, id) => tokenizer.piece(id));
  for (const id of tokenizer.endIds) pieces[id] = new Uint8Array(0);
  return { trie: new Trie(pieces), endIds: tokenizer.endIds, piece: (id) => tokenizer.piece(id) };
}
