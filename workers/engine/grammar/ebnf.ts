// Grammars that people write, as rules: root ::= "yes" | "no" | [0-9]{1,3}
// Source: GBNF as llama.cpp's grammars/README.md describes it, which xgrammar's EBNF nearly is.
import { EngineError } from "../base/errors.ts";
import {
  characters,
  choice,
  complement,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Range,
  type Rules,
} from "./expression.ts";

const NAME = /[A-Za-z_][A-Za-z0-9_-]*/y;
const SPACE = /(?:[ \t\r]|#[^\n]*)*/y;
const SPACE_AND_LINES = /(?:[ \t\r\n]|#[^\n]*)*/y;
const BAR = /(?:[ \t\r\n]|#[^\n]*)*\|(?:[ \t\r\n]|#[^\n]*)*/y;
const COUNTS = /\{\s*(\d+)\s*(,\s*(\d*)\s*)?\}/y;
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt"\\[\]^-]))/y;
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
const MOST_REPEATS = 10_000;
const DEEPEST = 200;

/** The rules of a grammar; the text begins at `root`. Throws `bad_request`, naming the line, for what is no grammar. */
export function ebnfRules(source: string): Rules {
  return new Parser(source).parse();
}

class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly source: string) {}

  parse(): Rules {
    const rules = new Map<string, Expression>();
    this.match(SPACE_AND_LINES);
    while (this.at < this.source.length) {
      const name = this.match(NAME)?.[0];
      if (!name) throw this.bad("the name of a rule is missing");
      if (rules.has(name)) throw this.bad(`the rule "${name}" is there twice`);
      this.match(SPACE);
      if (!this.take("::=")) throw this.bad(`"::=" is missing after "${name}"`);
      this.match(SPACE_AND_LINES);
      rules.set(name, this.alternatives());
      this.match(SPACE_AND_LINES);
    }
    if (!rules.has("root")) throw this.bad('there is no rule "root"');
    return rules;
  }

  private alternatives(): Expression {
    if (++this.depth > DEEPEST) throw this.bad("it is nested too deep");
    const branches = [this.sequence()];
    while (this.match(BAR)) branches.push(this.sequence());
    this.depth--;
    return choice(...branches);
  }

  private sequence(): Expression {
    const parts: Expression[] = [];
    // A rule ends with its line, unless a ( is open.
    const space = this.depth > 1 ? SPACE_AND_LINES : SPACE;
    for (;;) {
      this.match(space);
      const atom = this.atom();
      if (!atom) return sequence(...parts);
      parts.push(this.repeated(atom));
    }
  }

  private atom(): Expression | null {
    if (this.take('"')) return text(this.literal());
    if (this.take("[")) return characters(this.set());
    if (this.take(".")) return characters(complement([]));
    if (this.take("(")) {
      const inside = this.alternatives();
      this.match(SPACE_AND_LINES);
      if (!this.take(")")) throw this.bad("a ( is not closed");
      return inside;
    }
    const name = this.match(NAME)?.[0];
    return name ? rule(name) : null;
  }

  private repeated(part: Expression): Expression {
    this.match(SPACE);
    if (this.take("*")) return repeat(part, 0);
    if (this.take("+")) return repeat(part, 1);
    if (this.take("?")) return repeat(part, 0, 1);
    const counts = this.match(COUNTS);
    if (!counts) return part;
    const least = Number(counts[1]);
    const most = counts[2] === undefined ? least : counts[3] ? Number(counts[3]) : Infinity;
    const bounded = most === Infinity ? least : most;
    if (bounded > MOST_REPEATS || most < least) throw this.bad(`the count ${counts[0]} is none`);
    return repeat(part, least, most);
  }

  private literal(): string {
    let found = "";
    while (!this.take('"')) found += this.character("a text");
    return found;
  }

  private set(): Range[] {
    const negated = this.take("^");
    const ranges: Range[] = [];
    while (!this.take("]")) {
      const first = this.character("a set").codePointAt(0)!;
      const isRange = this.source[this.at] === "-" && this.source[this.at + 1] !== "]" && this.take("-");
      const last = isRange ? this.character("a set").codePointAt(0)! : first;
      if (last < first) throw this.bad("a range ends before it begins");
      ranges.push([first, last]);
    }
    return negated ? complement(ranges) : ranges;
  }

  private character(where: string): string {
    const escape = this.match(ESCAPE);
    if (escape) {
      const hex = escape[1] ?? escape[2] ?? escape[3];
      if (hex === undefined) return CONTROLS[escape[4]!] ?? escape[4]!;
      const code = Number.parseInt(hex, 16);
      if (code > 0x10ffff) throw this.bad(`${escape[0]} is no character`);
      return String.fromCodePoint(code);
    }
    const code = this.source.codePointAt(this.at);
    if (code === undefined || code === 10) throw this.bad(`${where} is not closed`);
    if (code === 92) throw this.bad(`"${this.source.slice(this.at, this.at + 2)}" is no escape`);
    const character = String.fromCodePoint(code);
    this.at += character.length;
    return character;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  private take(expected: string): boolean {
    if (!this.source.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  private bad(what: string): EngineError {
    const line = this.source.slice(0, this.at).split("\n").length;
    const message = `The grammar can't be read: ${what} (line ${line}).`;
    return new EngineError("bad_request", message, 'Write rules as root ::= "yes" | "no"; see GBNF.');
  }
}
