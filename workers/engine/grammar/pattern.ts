// Regular expressions as grammars, for whole texts as they are or written as a JSON string.
// Source: ECMA-262, section 22.2, without what looks around or back.
import { EngineError } from "../base/errors.ts";
import { choice, complement, repeat, sequence, type Expression, type Range } from "./expression.ts";

/** Makes one character of these ranges an expression: as it is, or as JSON writes it. */
export type Spell = (ranges: readonly Range[]) => Expression;

const DIGIT: Range[] = [[48, 57]];
const WORD: Range[] = [...DIGIT, [65, 90], [95, 95], [97, 122]];
const SPACE: Range[] = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_END: Range[] = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
const CLASSES: Readonly<Record<string, Range[]>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, 0: 0 };
const MOST_REPEATS = 1000;

/**
 * The texts that match a pattern. `whole`: from their first to their last character, else anywhere in them, as JSON Schema has it.
 * Throws `bad_request` for what no grammar can say: looking around, going back, word boundaries.
 */
export function patternExpression(pattern: string, spell: Spell, whole: boolean): Expression {
  return new Parser(pattern, spell, whole).parse();
}

class Parser {
  private readonly source: string[];
  private at = 0;

  constructor(
    private readonly pattern: string,
    private readonly spell: Spell,
    private readonly whole: boolean,
  ) {
    this.source = Array.from(pattern);
  }

  parse(): Expression {
    const branches = [this.branch()];
    while (this.take("|")) branches.push(this.branch());
    if (this.at < this.source.length) throw this.bad(`"${this.source[this.at]!}" is unexpected`);
    return choice(...branches);
  }

  /** An alternative of the whole pattern: the only place where ^ and $ make sense. */
  private branch(): Expression {
    const anything = repeat(this.spell(complement([])), 0);
    const anchored = this.take("^") || this.whole;
    const parts = this.parts();
    const closed = this.take("$") || this.whole;
    return sequence(...(anchored ? [] : [anything]), ...parts, ...(closed ? [] : [anything]));
  }

  private parts(): Expression[] {
    const parts: Expression[] = [];
    while (this.at < this.source.length && !["|", ")", "$"].includes(this.source[this.at]!)) parts.push(this.quantified());
    return parts;
  }

  private quantified(): Expression {
    const part = this.atom();
    const [least, most] = this.quantifier();
    return least === 1 && most === 1 ? part : repeat(part, least, most);
  }

  private quantifier(): [least: number, most: number] {
    let found: [number, number] = [1, 1];
    if (this.take("*")) found = [0, Infinity];
    else if (this.take("+")) found = [1, Infinity];
    else if (this.take("?")) found = [0, 1];
    else if (this.source[this.at] === "{") found = this.counts();
    else return found;
    this.take("?"); // which of several matches is meant makes no difference to whether there is one
    return found;
  }

  private counts(): [number, number] {
    const end = this.source.indexOf("}", this.at);
    const found = /^(\d+)(,(\d*))?$/.exec(this.source.slice(this.at + 1, end < 0 ? undefined : end).join(""));
    if (end < 0 || !found) throw this.bad("a { has no count");
    this.at = end + 1;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] ? Number(found[3]) : Infinity;
    if (least > MOST_REPEATS || (most !== Infinity && most > MOST_REPEATS))
      throw this.bad(`it repeats more than ${MOST_REPEATS} times`);
    if (most < least) throw this.bad("a count ends before it begins");
    return [least, most];
  }

  private atom(): Expression {
    if (this.take("(")) return this.group();
    if (this.take("[")) return this.spell(this.set());
    if (this.take(".")) return this.spell(complement(LINE_END));
    if (this.take("\\")) return this.spell(this.escape(false));
    const character = this.source[this.at++]!;
    if (["*", "+", "?", "^"].includes(character)) throw this.bad(`"${character}" has nothing before it to apply to`);
    return this.spell([one(character.codePointAt(0)!)]);
  }

  private group(): Expression {
    if (this.take("?")) {
      const name = this.take("<") ? this.source.indexOf(">", this.at) : -1;
      const lookbehind = name >= 0 && ["=", "!"].includes(this.source[this.at]!);
      if (name >= 0 && !lookbehind) this.at = name + 1;
      else if (!this.take(":")) throw this.bad("it looks ahead or behind");
    }
    const branches = [sequence(...this.parts())];
    while (this.take("|")) branches.push(sequence(...this.parts()));
    if (!this.take(")")) throw this.bad(this.source[this.at] === "$" ? "$ stands inside of a group" : "a ( is not closed");
    return choice(...branches);
  }

  private set(): Range[] {
    const negated = this.take("^");
    const ranges: Range[] = [];
    while (!this.take("]")) {
      if (this.at >= this.source.length) throw this.bad("a [ is not closed");
      const first = this.member();
      const [from] = first[0] ?? [0];
      const single = first.length === 1 && first[0]![0] === first[0]![1];
      if (single && this.source[this.at] === "-" && this.source[this.at + 1] !== "]") {
        this.at++;
        const last = this.member()[0]?.[1] ?? from;
        if (last < from) throw this.bad("a range ends before it begins");
        ranges.push([from, last]);
      } else ranges.push(...first);
    }
    return negated ? complement(ranges) : ranges;
  }

  private member(): Range[] {
    if (this.take("\\")) return this.escape(true);
    const character = this.source[this.at++];
    if (character === undefined) throw this.bad("a [ is not closed");
    return [one(character.codePointAt(0)!)];
  }

  private escape(inSet: boolean): Range[] {
    const character = this.source[this.at++];
    if (character === undefined) throw this.bad("it ends in a backslash");
    if (Object.hasOwn(CLASSES, character)) return CLASSES[character]!;
    if (Object.hasOwn(CONTROLS, character)) return [one(CONTROLS[character]!)];
    if (character === "b" && inSet) return [one(8)];
    if (character === "x") return [one(this.hex(2))];
    if (character === "u") return [one(this.take("{") ? this.braced() : this.hex(4))];
    if (/[A-Za-z0-9]/.test(character)) throw this.bad(`\\${character} is not known`);
    return [one(character.codePointAt(0)!)];
  }

  private hex(digits: number): number {
    const written = this.source.slice(this.at, this.at + digits).join("");
    if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(written)) throw this.bad("an escape has too few digits");
    this.at += digits;
    return Number.parseInt(written, 16);
  }

  private braced(): number {
    const end = this.source.indexOf("}", this.at);
    const written = this.source.slice(this.at, Math.max(end, this.at)).join("");
    const value = Number.parseInt(written, 16);
    if (!/^[0-9a-fA-F]{1,6}$/.test(written) || value > 0x10ffff) throw this.bad("an escape is no character");
    this.at = end + 1;
    return value;
  }

  private take(character: string): boolean {
    if (this.source[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private bad(what: string): EngineError {
    const message = `The pattern ${JSON.stringify(this.pattern)} can't be used: ${what}.`;
    return new EngineError(
      "bad_request",
      message,
      "Use characters, sets, groups, alternatives and counts, with ^ and $ at the ends.",
    );
  }
}

function one(codePoint: number): Range {
  return [codePoint, codePoint];
}
