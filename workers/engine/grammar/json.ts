// JSON as a grammar, on one line, spaced as most of what models have read: {"a": 1, "b": [true, null]}.
// Source: RFC 8259.
import {
  characters,
  choice,
  complement,
  intersection,
  optional,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Range,
} from "./expression.ts";

/** Characters a JSON string may have as they are. */
const PLAIN: Range[] = complement([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x7f, 0x9f], // allowed, but nothing a person could read
]);
const ESCAPED: readonly (readonly [number, string])[] = [
  [0x22, '\\"'],
  [0x5c, "\\\\"],
  [0x0a, "\\n"],
  [0x09, "\\t"],
  [0x0d, "\\r"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
];
const DIGIT = characters([[48, 57]]);
const QUOTE = text('"');

/** One character of these ranges, as it stands in a JSON string. */
export function jsonCharacter(ranges: readonly Range[]): Expression {
  const plain = intersection(ranges, PLAIN);
  const escaped = ESCAPED.filter(([code]) => ranges.some(([first, last]) => code >= first && code <= last));
  return choice(characters(plain), ...escaped.map(([, written]) => text(written)));
}

/** One character of any kind. */
export const ANY_CHARACTER = jsonCharacter(complement([]));

/** A string of what the expression says, which is written in JSON already. */
export function quoted(content: Expression): Expression {
  return sequence(QUOTE, content, QUOTE);
}

/** Exactly this value. */
export function exactly(value: unknown): Expression {
  if (Array.isArray(value)) return list(value.map(exactly));
  if (typeof value !== "object" || value === null) return text(JSON.stringify(value));
  return braced(Object.entries(value).map(([name, part]) => pair(name, exactly(part))));
}

/** Strings that are none of these. */
export function otherThan(names: readonly string[]): Expression {
  const anything = repeat(rule("character"), 0);
  const except = (endings: readonly string[]): Expression => {
    const firsts = new Map<string, string[]>();
    for (const [first, ...rest] of endings.filter((ending) => ending !== "").map((ending) => Array.from(ending))) {
      firsts.set(first!, [...(firsts.get(first!) ?? []), rest.join("")]);
    }
    const codes = [...firsts.keys()].map((first): Range => [first.codePointAt(0)!, first.codePointAt(0)!]);
    const others = sequence(jsonCharacter(complement(codes)), anything);
    const on = [...firsts].map(([first, rest]) => sequence(text(JSON.stringify(first).slice(1, -1)), except(rest)));
    return choice(...(endings.includes("") ? [] : [text("")]), others, ...on);
  };
  return quoted(except(names));
}

/** A property and its value. */
export function pair(name: string, value: Expression): Expression {
  return sequence(text(`${JSON.stringify(name)}: `), value);
}

export function list(items: readonly Expression[]): Expression {
  return sequence(text("["), ...separated(items), text("]"));
}

export function braced(pairs: readonly Expression[]): Expression {
  return sequence(text("{"), ...separated(pairs), text("}"));
}

/** From `least` to `most` items, a comma between them. */
export function items(item: Expression, least: number, most: number): Expression {
  if (most === 0) return text("");
  const more = sequence(item, repeat(sequence(text(", "), item), Math.max(0, least - 1), most - 1));
  return least > 0 ? more : optional(more);
}

/** Rules for any value at all: "value", "object", "array", "string", "number", "integer", "boolean", "null", "character". */
export function jsonRules(): [string, Expression][] {
  const value = rule("value");
  const property = sequence(rule("string"), text(": "), value);
  const whole = sequence(optional(text("-")), choice(text("0"), sequence(characters([[49, 57]]), repeat(DIGIT, 0, 14))));
  return [
    ["character", ANY_CHARACTER],
    ["string", quoted(repeat(rule("character"), 0))],
    ["integer", whole],
    ["number", sequence(rule("integer"), optional(sequence(text("."), repeat(DIGIT, 1, 15))))],
    ["boolean", choice(text("true"), text("false"))],
    ["null", text("null")],
    ["array", sequence(text("["), items(value, 0, Infinity), text("]"))],
    ["object", sequence(text("{"), items(property, 0, Infinity), text("}"))],
    ["value", choice(...["object", "array", "string", "number", "boolean", "null"].map(rule))],
  ];
}

function separated(parts: readonly Expression[]): Expression[] {
  return parts.flatMap((part, i) => (i === 0 ? [part] : [text(", "), part]));
}
