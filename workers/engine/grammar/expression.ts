// What a grammar is made of: bytes of UTF-8, one after another, one or the other, again and again, and rules by name.

/** One byte out of a set, given as ranges that include both ends, ascending. */
export interface Bytes {
  readonly kind: "bytes";
  readonly ranges: readonly (readonly [number, number])[];
}

/** A part of a grammar. `most` of a repetition is Infinity where there is no end to it. */
export type Expression =
  | Bytes
  | { readonly kind: "sequence"; readonly parts: readonly Expression[] }
  | { readonly kind: "choice"; readonly parts: readonly Expression[] }
  | { readonly kind: "repeat"; readonly part: Expression; readonly least: number; readonly most: number }
  | { readonly kind: "rule"; readonly name: string };

/** Rules by name; the one called `root` is the whole text. */
export type Rules = ReadonlyMap<string, Expression>;

/** Code points from one to another, both included. */
export type Range = readonly [number, number];

const LAST_CODE_POINT = 0x10ffff;
const NOTHING: Expression = { kind: "sequence", parts: [] };

export function sequence(...parts: readonly Expression[]): Expression {
  return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
}

export function choice(...parts: readonly Expression[]): Expression {
  return parts.length === 1 ? parts[0]! : { kind: "choice", parts };
}

export function repeat(part: Expression, least: number, most = Infinity): Expression {
  return { kind: "repeat", part, least, most };
}

export function optional(part: Expression): Expression {
  return repeat(part, 0, 1);
}

export function rule(name: string): Expression {
  return { kind: "rule", name };
}

/** Exactly this text. */
export function text(exact: string): Expression {
  if (exact === "") return NOTHING;
  return sequence(...Array.from(new TextEncoder().encode(exact), (byte) => ({ kind: "bytes", ranges: [[byte, byte]] }) as const));
}

/** One character of any of these ranges, as UTF-8. No range gives an expression that nothing satisfies. */
export function characters(ranges: readonly Range[]): Expression {
  return choice(...ranges.flatMap(([first, last]) => utf8(first, last)));
}

/** What is left of all characters. Surrogates are none. */
export function complement(ranges: readonly Range[]): Range[] {
  const left: Range[] = [];
  let next = 0;
  const taken: Range[] = [...ranges, [0xd800, 0xdfff]];
  for (const [first, last] of taken.sort((a, b) => a[0] - b[0])) {
    if (first > next) left.push([next, first - 1]);
    next = Math.max(next, last + 1);
  }
  if (next <= LAST_CODE_POINT) left.push([next, LAST_CODE_POINT]);
  return left;
}

/** The characters that are in both. */
export function intersection(a: readonly Range[], b: readonly Range[]): Range[] {
  return a.flatMap(([first, last]) => {
    return b.map(([from, to]): Range => [Math.max(first, from), Math.min(last, to)]).filter(([from, to]) => from <= to);
  });
}

/** First code points of the longer and longer encodings. */
const LENGTHS = [0, 0x80, 0x800, 0x10000, LAST_CODE_POINT + 1];

function utf8(first: number, last: number): Expression[] {
  const found: Expression[] = [];
  for (let length = 1; length <= 4; length++) {
    const from = Math.max(first, LENGTHS[length - 1]!);
    const to = Math.min(last, LENGTHS[length]! - 1);
    if (from <= to) found.push(...sameLength(encode(from), encode(to)));
  }
  return found;
}

/** All byte strings from one to another of the same length, as sequences of ranges. */
function sameLength(from: readonly number[], to: readonly number[]): Expression[] {
  const [low, ...lows] = from;
  const [high, ...highs] = to;
  const head = (first: number, last: number): Bytes => ({ kind: "bytes", ranges: [[first, last]] });
  if (lows.length === 0) return [head(low!, high!)];
  if (low === high) return sameLength(lows, highs).map((rest) => sequence(head(low!, high!), rest));
  const least = lows.map(() => 0x80);
  const most = lows.map(() => 0xbf);
  const found: Expression[] = [];
  const wholeFrom = lows.every((byte) => byte === 0x80) ? low! : low! + 1;
  const wholeTo = highs.every((byte) => byte === 0xbf) ? high! : high! - 1;
  if (wholeFrom > low!) found.push(...sameLength(lows, most).map((rest) => sequence(head(low!, low!), rest)));
  if (wholeFrom <= wholeTo) found.push(...sameLength(least, most).map((rest) => sequence(head(wholeFrom, wholeTo), rest)));
  if (wholeTo < high!) found.push(...sameLength(least, highs).map((rest) => sequence(head(high!, high!), rest)));
  return found;
}

function encode(codePoint: number): number[] {
  // Surrogates have no encoding of their own; the ends of a range that touches them are written as if they had.
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) {
    return [0xe0 | (codePoint >> 12), 0x80 | ((codePoint >> 6) & 63), 0x80 | (codePoint & 63)];
  }
  return [...new TextEncoder().encode(String.fromCodePoint(codePoint))];
}
