// The form a request asks its answer to have, checked once on entry.
import { badRequest, recordOf } from "./base/request.ts";
import type { Format } from "./grammar/grammar.ts";

const TYPES = ["text", "json_object", "json_schema", "regex", "grammar"];

/** The form that `response_format` asks for; null for any text. Throws `bad_request`, naming the field. */
export function formatOf(value: unknown): Format | null {
  if (value === null || value === undefined) return null;
  const format = recordOf(value, "response_format");
  switch (format["type"]) {
    case "text":
      return null;
    case "json_object":
      return { kind: "json" };
    case "json_schema":
      return schemaFormat(recordOf(format["json_schema"], "response_format.json_schema"));
    case "regex":
      return { kind: "pattern", pattern: text(format["pattern"], "response_format.pattern") };
    case "grammar":
      return { kind: "grammar", grammar: text(format["grammar"], "response_format.grammar") };
  }
  throw badRequest(`response_format.type is ${JSON.stringify(format["type"])}; it can be ${TYPES.join(", ")}.`);
}

/** A schema that is left out asks for any object, as in the API. */
function schemaFormat(format: Readonly<Record<string, unknown>>): Format {
  const { schema } = format;
  if (schema === undefined || schema === null) return { kind: "json" };
  return {
    kind: "schema",
    schema: typeof schema === "boolean" ? schema : recordOf(schema, "response_format.json_schema.schema"),
  };
}

function text(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw badRequest(`${what} must be a text.`);
}
