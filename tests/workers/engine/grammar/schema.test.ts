// Answers held to a JSON schema satisfy it, says a validator, whatever the model would rather say and however few tokens it has.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { schemaRules, type JsonSchema } from "../../../../workers/engine/grammar/schema.ts";
import { dice, randomSchema } from "./schemas.ts";
import { accepts, shortest, speak } from "./speaker.ts";

const SCHEMAS = process.env["CRIA_LONG"] ? 5000 : 400;

function complaints(schema: JsonSchema, text: string): string {
  const ajv = new Ajv2020({ strict: false, formats: { time: true } });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  return validate(JSON.parse(text)) ? "" : ajv.errorsText(validate.errors);
}

describe("an answer held to a JSON schema", () => {
  it(`satisfies each of ${SCHEMAS} random schemas, within its tokens`, { timeout: 600_000 }, () => {
    for (let seed = 0; seed < SCHEMAS; seed++) {
      const roll = dice(seed);
      const schema = randomSchema(roll);
      const rules = schemaRules(schema);
      const least = shortest(rules);
      const budget = least + Math.floor(roll() * roll() * 200);
      const said = speak(rules, roll, budget);
      const where = `seed ${seed}: ${JSON.stringify(schema)} with ${budget} tokens: ${said.text}`;
      expect(said.ended, where).toBe(true);
      expect(complaints(schema, said.text), where).toBe("");
    }
  });

  it("says what a person would write", () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" }, people: { type: "integer", minimum: 1 }, capital: { type: "boolean" } },
      required: ["city"],
    };
    const rules = schemaRules(schema);
    expect(accepts(rules, '{"city": "Lima", "people": 10000000, "capital": true}')).toBe(true);
    expect(accepts(rules, '{"city": "Lima"}')).toBe(true);
    expect(accepts(rules, '{"city": "\\u00e9"}')).toBe(false); // é is written as it is
    expect(accepts(rules, '{"people": 3}')).toBe(false);
    expect(accepts(rules, '{"city": "Lima", "people": 0}')).toBe(false);
    expect(accepts(rules, '{"city": "Lima", "mayor": "?"}')).toBe(false);
  });

  it("may hold a value within itself", () => {
    const tree = {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: { kids: { type: "array", items: { $ref: "#/$defs/node" } } },
          required: ["kids"],
        },
      },
    };
    expect(accepts(schemaRules(tree), '{"kids": [{"kids": []}, {"kids": [{"kids": []}]}]}')).toBe(true);
    expect(accepts(schemaRules(tree), '{"kids": [{"kids": [}]}')).toBe(false);
  });

  it("adds only properties that are none of those named", () => {
    const rules = schemaRules({
      type: "object",
      properties: { on: { type: "boolean" } },
      additionalProperties: { type: "integer" },
    });
    expect(accepts(rules, '{"on": true, "one": 1, "o": 2, "": 3}')).toBe(true);
    expect(accepts(rules, '{"on": 1}')).toBe(false);
    expect(accepts(rules, '{"on": true, "on": 1}')).toBe(false);
  });

  it.each<[string, JsonSchema]>([
    ["uniqueItems", { type: "array", uniqueItems: true }],
    ["multipleOf", { type: "integer", multipleOf: 3 }],
    ["minProperties", { type: "object", minProperties: 1 }],
    ["not", { not: { type: "string" } }],
    ["allOf", { allOf: [{ type: "object" }, { type: "object" }] }],
    ["oneOf", { oneOf: [{ type: "string" }, { type: "string", maxLength: 2 }] }],
    ["beside", { $ref: "#/$defs/a", minLength: 1, $defs: { a: { type: "string" } } }],
    ["not there", { $ref: "#/$defs/b" }],
    ["requires", { type: "object", required: ["a"] }],
    ["no type", { minLength: 1 }],
    ["format", { type: "string", format: "color" }],
    ["looks ahead", { type: "string", pattern: "^(?=a)" }],
    ["within the bounds", { type: "integer", minimum: 2, maximum: 1 }],
    ["begins with itself", { $ref: "#/$defs/a", $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }] } } }],
    ["counts too far", { type: "array", items: { type: "string", maxLength: 9000 }, maxItems: 9000 }],
  ])("is refused where %s could not be enforced", (what, schema) => {
    expect(() => shortest(schemaRules(schema))).toThrow(what);
  });
});
