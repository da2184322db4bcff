// JSON schemas of a seeded generator: every keyword that an answer can be held to, in every nesting.

export type Dice = () => number;

/** Numbers in [0, 1): mulberry32. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const NAMES = ["name", "age", "kind", "tags", "next", "on", "größe", 'q"t', "a b", "x-y", "$id", "0"];
const TEXTS = ["red", "green", "a b", 'say "hi"', "línea\n2", "日本", "", "\\"];
const PATTERNS = ["^[a-z]+$", "^[A-Z]{2}[0-9]{3}$", "^(yes|no)$", "^[a-z]+@[a-z]+\\.com$", "^\\d{1,3}(,\\d{3})*$"];
const FORMATS = ["date", "time", "date-time", "uuid", "email", "ipv4"];

/** A schema of at most `depth` levels. */
export function randomSchema(roll: Dice, depth = 3): Record<string, unknown> {
  const defs: Record<string, unknown> = {};
  const schema = value(roll, depth, defs);
  return Object.keys(defs).length > 0 ? { ...schema, $defs: defs } : schema;
}

function value(roll: Dice, depth: number, defs: Record<string, unknown>): Record<string, unknown> {
  const kinds = depth > 0 ? [object, array, anyOf, reference, text, number, choice, simple] : [text, number, choice, simple];
  return pick(roll, kinds)(roll, depth - 1, defs);
}

function object(roll: Dice, depth: number, defs: Record<string, unknown>): Record<string, unknown> {
  const names = NAMES.filter(() => roll() < 0.3);
  const properties = Object.fromEntries(names.map((name) => [name, value(roll, depth, defs)]));
  const schema: Record<string, unknown> = { type: "object", properties, required: names.filter(() => roll() < 0.6) };
  const more = roll();
  if (more < 0.5) schema["additionalProperties"] = false;
  else if (more < 0.65) schema["additionalProperties"] = value(roll, depth, defs);
  return schema;
}

function array(roll: Dice, depth: number, defs: Record<string, unknown>): Record<string, unknown> {
  const schema: Record<string, unknown> = { type: "array", items: value(roll, depth, defs) };
  const least = Math.floor(roll() * 3);
  if (roll() < 0.5) schema["minItems"] = least;
  if (roll() < 0.5) schema["maxItems"] = least + Math.floor(roll() * 3);
  if (roll() < 0.2) {
    const first = [value(roll, depth, defs), value(roll, depth, defs)];
    return { type: "array", prefixItems: first, items: roll() < 0.5 ? false : schema["items"], minItems: 2 };
  }
  return schema;
}

function anyOf(roll: Dice, depth: number, defs: Record<string, unknown>): Record<string, unknown> {
  return { anyOf: Array.from({ length: 2 + Math.floor(roll() * 2) }, () => value(roll, depth, defs)) };
}

function reference(roll: Dice, depth: number, defs: Record<string, unknown>): Record<string, unknown> {
  const name = `d${Object.keys(defs).length}`;
  defs[name] = {};
  const next = roll() < 0.5 ? { anyOf: [{ type: "null" }, { $ref: `#/$defs/${name}` }] } : { type: "null" };
  defs[name] = {
    type: "object",
    properties: { value: value(roll, depth, defs), next },
    required: ["value", "next"],
    additionalProperties: false,
  };
  return { $ref: `#/$defs/${name}` };
}

function text(roll: Dice): Record<string, unknown> {
  const kind = roll();
  if (kind < 0.35) return { type: "string" };
  if (kind < 0.5) return { type: "string", format: pick(roll, FORMATS) };
  if (kind < 0.65) return { type: "string", pattern: pick(roll, PATTERNS) };
  const least = Math.floor(roll() * 6);
  return { type: "string", minLength: least, maxLength: least + Math.floor(roll() * 6) };
}

function number(roll: Dice): Record<string, unknown> {
  const type = roll() < 0.6 ? "integer" : "number";
  const low = Math.floor((roll() - 0.5) * 300);
  const schema: Record<string, unknown> = { type };
  if (roll() < 0.5) schema[roll() < 0.7 ? "minimum" : "exclusiveMinimum"] = low;
  if (roll() < 0.5) schema[roll() < 0.7 ? "maximum" : "exclusiveMaximum"] = low + 2 + Math.floor(roll() * 500);
  return schema;
}

function choice(roll: Dice): Record<string, unknown> {
  const values: unknown[] = TEXTS.filter(() => roll() < 0.4);
  values.push(Math.floor(roll() * 100), null, true);
  return roll() < 0.3 ? { const: pick(roll, values) } : { enum: values };
}

function simple(roll: Dice): Record<string, unknown> {
  return { type: pick(roll, ["boolean", "null", ["integer", "null"], ["string", "boolean"]]) };
}

function pick<T>(roll: Dice, from: readonly T[]): T {
  return from[Math.floor(roll() * from.length)]!;
}
