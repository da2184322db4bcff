// A JSON schema as a grammar. Every text of the grammar satisfies the schema; not every text that satisfies it is in the grammar.
// Source: json-schema.org, draft 2020-12.
import { EngineError } from "../base/errors.ts";
import { choice, optional, repeat, rule, sequence, text, type Expression, type Rules } from "./expression.ts";
import { FORMATS } from "./formats.ts";
import { exactly, items, jsonCharacter, jsonRules, otherThan, pair, quoted } from "./json.ts";
import { integersBetween, numbersBetween } from "./numbers.ts";
import { patternExpression } from "./pattern.ts";

/** A schema as it comes in: an object, or true for anything. */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;

type Keywords = Readonly<Record<string, unknown>>;

/** Keywords that say something to people, or hold what others refer to. */
const NOTES = [
  ...["$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"],
  ...["$defs", "definitions"],
];
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems"],
  string: ["minLength", "maxLength", "pattern", "format"],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
};
/** Keywords that stand for a whole schema: what stands beside them would have to hold as well. */
const WHOLE = ["$ref", "enum", "const", "anyOf", "oneOf", "allOf"];
/** The largest step between a bound that is excluded and one that is included, where numbers may have fractions. */
const STEP = 1e-6;

/**
 * The texts that satisfy a schema, on one line. Properties come in the schema's order; others only where `additionalProperties`
 * asks for them. Throws `bad_request` for a keyword that could not be enforced: an answer that only seems to follow its schema
 * is worse than none.
 */
export function schemaRules(schema: JsonSchema): Rules {
  const writer = new Writer(schema);
  writer.rules.set("root", writer.expression(schema, "the schema"));
  return writer.rules;
}

class Writer {
  readonly rules = new Map<string, Expression>(jsonRules());
  private readonly named = new Map<unknown, string>();

  constructor(private readonly root: JsonSchema) {}

  expression(schema: unknown, where: string): Expression {
    if (schema === true) return rule("value");
    if (!isRecord(schema)) throw refused(schema === false ? `nothing satisfies ${where}` : `${where} is no schema`);
    const names = Object.keys(schema).filter((name) => !NOTES.includes(name));
    const whole = WHOLE.find((name) => name in schema);
    if (whole) {
      const beside = names.find((name) => name !== whole && name !== "type");
      if (beside) throw refused(`${where} has ${beside} beside ${whole}`);
      return this.whole(whole, schema[whole], where);
    }
    const types = typesOf(schema, where);
    const known = types.flatMap((type) => BY_TYPE[type]!);
    const foreign = names.find((name) => name !== "type" && !known.includes(name));
    if (foreign)
      throw refused(`${where} has ${foreign}, which is not known for the type ${types.join(" or ") || "it leaves open"}`);
    if (types.length === 0) return rule("value");
    return choice(...types.map((type) => this.typed(type, schema, where)));
  }

  private whole(name: string, value: unknown, where: string): Expression {
    if (name === "const") return exactly(value);
    if (name === "$ref") return this.reference(value, where);
    const parts = list(value, `${name} of ${where}`);
    if (parts.length === 0) throw refused(`${name} of ${where} is empty`);
    if (name === "enum") return choice(...parts.map(exactly));
    if (name === "allOf" && parts.length > 1) throw refused(`${where} has an allOf of more than one part`);
    if (name === "oneOf" && !areDisjoint(parts)) throw refused(`the parts of ${where}'s oneOf could hold together; say anyOf`);
    return choice(...parts.map((part, i) => this.expression(part, `${where}.${name}[${i}]`)));
  }

  /** A rule for what is referred to, made once: it may refer to itself. */
  private reference(reference: unknown, where: string): Expression {
    const target = this.resolve(reference, where);
    const known = this.named.get(target);
    if (known) return rule(known);
    const name = `definition ${this.named.size}`;
    this.named.set(target, name);
    this.rules.set(name, this.expression(target, String(reference)));
    return rule(name);
  }

  private resolve(reference: unknown, where: string): unknown {
    if (typeof reference !== "string" || !reference.startsWith("#")) throw refused(`$ref of ${where} does not begin with #`);
    let target: unknown = this.root;
    for (const part of reference.slice(1).split("/").filter(Boolean)) {
      const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
      target = isRecord(target) ? target[name] : Array.isArray(target) ? target[Number(name)] : undefined;
    }
    if (target === undefined) throw refused(`${where} refers to ${reference}, which is not there`);
    return target;
  }

  private typed(type: string, schema: Keywords, where: string): Expression {
    if (type === "object") return this.object(schema, where);
    if (type === "array") return this.array(schema, where);
    if (type === "string") return stringOf(schema, where);
    if (type === "integer" || type === "number") return numberOf(type, schema, where);
    return rule(type);
  }

  private object(schema: Keywords, where: string): Expression {
    const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
    const names = Object.keys(properties);
    const required = list(schema["required"] ?? [], `required of ${where}`);
    const missing = required.find((name) => typeof name !== "string" || !names.includes(name));
    if (missing !== undefined) throw refused(`${where} requires ${JSON.stringify(missing)}, which is none of its properties`);
    const more = schema["additionalProperties"];
    if (names.length === 0 && more === undefined) return rule("object");
    const open = more !== undefined && more !== false;
    const others = open ? this.others(names, more, where) : null;
    if (names.length === 0 && others) return sequence(text("{"), items(others, 0, Infinity), text("}"));
    // Two rules for each property: what follows when nothing stands before it, and when a comma has to.
    const comma = text(", ");
    const prefix = `object ${this.rules.size}`;
    this.rules.set(`${prefix} alone ${names.length}`, others ? items(others, 0, Infinity) : text(""));
    this.rules.set(`${prefix} after ${names.length}`, others ? repeat(sequence(comma, others), 0) : text(""));
    for (let i = names.length - 1; i >= 0; i--) {
      const property = pair(names[i]!, this.expression(properties[names[i]!], `${where}.${names[i]!}`));
      const [after, alone] = [rule(`${prefix} after ${i + 1}`), rule(`${prefix} alone ${i + 1}`)];
      const needed = required.includes(names[i]);
      const next = sequence(comma, property);
      this.rules.set(`${prefix} alone ${i}`, needed ? sequence(property, after) : choice(sequence(property, after), alone));
      this.rules.set(`${prefix} after ${i}`, sequence(needed ? next : optional(next), after));
    }
    return sequence(text("{"), rule(`${prefix} alone 0`), text("}"));
  }

  /** A property that is none of those named, lest it says one of them a second time. */
  private others(names: readonly string[], schema: unknown, where: string): Expression {
    const value = this.expression(schema, `additionalProperties of ${where}`);
    return sequence(names.length > 0 ? otherThan(names) : rule("string"), text(": "), value);
  }

  private array(schema: Keywords, where: string): Expression {
    const first = list(schema["prefixItems"] ?? [], `prefixItems of ${where}`);
    const least = count(schema, "minItems", where) ?? 0;
    const most = count(schema, "maxItems", where) ?? Infinity;
    if (most < least) throw refused(`${where} has fewer items at most than at least`);
    const closed = schema["items"] === false;
    const item = closed ? text("") : this.expression(schema["items"] ?? true, `items of ${where}`);
    if (first.length === 0) return sequence(text("["), items(item, closed ? 0 : least, closed ? 0 : most), text("]"));
    if (most < first.length) throw refused(`${where} has room for fewer items than its prefixItems`);
    const fixed = first.map((part, i) => this.expression(part, `${where}[${i}]`));
    const left = Math.max(0, least - fixed.length);
    if (closed && left > 0) throw refused(`${where} needs more items than it may have`);
    const rest = closed ? text("") : repeat(sequence(text(", "), item), left, most - fixed.length);
    return sequence(text("["), ...fixed.flatMap((part, i) => (i === 0 ? [part] : [text(", "), part])), rest, text("]"));
  }
}

function stringOf(schema: Keywords, where: string): Expression {
  const { format, pattern } = schema;
  const least = count(schema, "minLength", where) ?? 0;
  const most = count(schema, "maxLength", where) ?? Infinity;
  const counted = least > 0 || most < Infinity;
  if (Number(format !== undefined) + Number(pattern !== undefined) + Number(counted) > 1) {
    throw refused(`${where} has more than one of format, pattern and length`);
  }
  if (pattern !== undefined) return quoted(patternExpression(String(pattern), jsonCharacter, false));
  if (format !== undefined) {
    const known = FORMATS[String(format)];
    if (!known) throw refused(`${where} has the format ${JSON.stringify(format)}; known are ${Object.keys(FORMATS).join(", ")}`);
    return quoted(patternExpression(known, jsonCharacter, true));
  }
  if (most < least) throw refused(`${where} is shorter at most than at least`);
  return counted ? quoted(repeat(rule("character"), least, most)) : rule("string");
}

function numberOf(type: string, schema: Keywords, where: string): Expression {
  const bound = (name: string): number | null => {
    const value = schema[name];
    if (value === undefined) return null;
    if (typeof value !== "number") throw refused(`${name} of ${where} is no number`);
    return value;
  };
  const step = type === "integer" ? 1 : STEP;
  const above = bound("exclusiveMinimum");
  const below = bound("exclusiveMaximum");
  const beyond = (value: number, direction: number): number => {
    return type === "integer" && !Number.isInteger(value) ? value : value + direction * step;
  };
  const low = Math.max(bound("minimum") ?? -Infinity, above === null ? -Infinity : beyond(above, 1));
  const high = Math.min(bound("maximum") ?? Infinity, below === null ? Infinity : beyond(below, -1));
  if (low === -Infinity && high === Infinity) return rule(type);
  const between = type === "integer" ? integersBetween(low, high) : numbersBetween(low, high);
  if (!between) throw refused(`no ${type} is within the bounds of ${where}`);
  return between;
}

function typesOf(schema: Keywords, where: string): string[] {
  const { type } = schema;
  if (type === undefined) {
    const meant = Object.keys(BY_TYPE).find((name) => BY_TYPE[name]!.some((keyword) => keyword in schema));
    if (meant) throw refused(`${where} has no type; with "type": ${JSON.stringify(meant)} it has`);
    return [];
  }
  const types = (Array.isArray(type) ? type : [type]).map(String);
  const unknown = types.find((name) => !Object.hasOwn(BY_TYPE, name));
  if (unknown !== undefined || types.length === 0) throw refused(`${where} has the type ${JSON.stringify(type)}`);
  // An integer is a number: asking for both asks for a number.
  return types.filter((name) => name !== "integer" || !types.includes("number"));
}

/** Whether no value satisfies two of these: their types differ, or a property that all require has other values in each. */
function areDisjoint(parts: readonly unknown[]): boolean {
  const keywords = parts.filter(isRecord);
  if (keywords.length < parts.length) return false;
  const types = keywords.map(({ type }) => (type === "integer" ? "number" : type));
  if (types.every((type) => typeof type === "string") && new Set(types).size === types.length) return true;
  if (keywords.every((part) => "const" in part)) return areDifferent(keywords.map((part) => part["const"]));
  const shared = list(keywords[0]!["required"] ?? [], "required").map(String);
  return shared.some((name) => {
    const values = keywords.map(({ properties, required }) => {
      const property = isRecord(properties) ? properties[name] : undefined;
      return Array.isArray(required) && required.includes(name) && isRecord(property) ? property["const"] : undefined;
    });
    return values.every((value) => value !== undefined) && areDifferent(values);
  });
}

function areDifferent(values: readonly unknown[]): boolean {
  return new Set(values.map((value) => JSON.stringify(value))).size === values.length;
}

function count(schema: Keywords, name: string, where: string): number | null {
  const value = schema[name];
  if (value === undefined) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw refused(`${name} of ${where} is no whole number`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw refused(`${what} is no list`);
}

function isRecord(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refused(what: string): EngineError {
  const hint = "Say it with type, properties, required, items, enum, const, anyOf, $ref, lengths, bounds, pattern or format.";
  return new EngineError("bad_request", `The JSON schema can't be enforced: ${what}.`, hint);
}
