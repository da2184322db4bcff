// Answers of a real model held to a form: valid, and complete within their tokens.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wholeChat } from "../../../workers/engine/answers.ts";
import type { ChatRequest, ResponseFormat } from "../../../workers/engine/base/openai.ts";
import { type Engine, openEngine } from "../../../workers/engine/engine.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { SMOLLM2 } from "../../golden/models.ts";
import { fileSource } from "../../golden/sources.ts";
import { dice, randomSchema } from "./grammar/schemas.ts";
import { nodeHost } from "./node-host.ts";

const SCHEMAS = process.env["CRIA_LONG"] ? 200 : 12;

describe.skipIf(SMOLLM2 === null)("SmolLM2 135M held to a form", () => {
  let engine: Engine;
  const author = { model: "smollm2", bytesOf: (id: number) => engine.tokenizer.piece(id) };
  const ask = async (format: ResponseFormat, question: string, more: Partial<ChatRequest> = {}): Promise<[string, string]> => {
    const request: ChatRequest = {
      messages: [{ role: "user", content: question }],
      response_format: format,
      temperature: 0,
      ...more,
    };
    const { choices } = await wholeChat(author, engine.chat(request)());
    return [choices[0].message.content, choices[0].stop_type];
  };

  beforeAll(async () => {
    const file = await readModelFile(fileSource(SMOLLM2!));
    const options = { id: "smollm2", name: null, backend: "wasm", contextLength: 2048, defaults: null } as const;
    engine = await openEngine(nodeHost(), file, options);
  });

  afterAll(() => engine.close());

  it("writes an object of its own when asked for JSON", async () => {
    const [text] = await ask({ type: "json_object" }, "Describe a llama in JSON.", { max_tokens: 60 });
    expect(typeof JSON.parse(text)).toBe("object");
  });

  it("chooses between two words", async () => {
    const [text, ended] = await ask({ type: "regex", pattern: "(yes|no)" }, "Is a llama an animal? yes or no");
    expect(["yes", "no"]).toContain(text);
    expect(ended).toBe("eos");
  });

  it("follows a written grammar", async () => {
    const grammar = 'root ::= "The " animal " eats " ("grass" | "meat") "."\nanimal ::= "llama" | "wolf"';
    const [text] = await ask({ type: "grammar", grammar }, "What does a llama eat?");
    expect(text).toMatch(/^The (llama|wolf) eats (grass|meat)\.$/);
  });

  it(
    `satisfies each of ${SCHEMAS} random schemas within 96 tokens, or says how many it needs`,
    { timeout: 900_000 },
    async () => {
      const ajv = new Ajv2020({ strict: false });
      addFormats.default(ajv);
      for (let seed = 1000; seed < 1000 + SCHEMAS; seed++) {
        const roll = dice(seed);
        const schema = randomSchema(roll);
        const format: ResponseFormat = { type: "json_schema", json_schema: { name: "answer", schema, strict: true } };
        const more = { max_tokens: 96, temperature: roll() < 0.5 ? 0 : 1, seed };
        let answer: [string, string];
        try {
          answer = await ask(format, "Give an example.", more);
        } catch (error) {
          const needed = Number(/takes (\d+) tokens/.exec(String(error))?.[1]);
          expect(needed, String(error)).toBeGreaterThan(96);
          answer = await ask(format, "Give an example.", { ...more, max_tokens: needed });
        }
        const validate = ajv.compile({ ...schema, $id: `schema-${seed}` });
        expect(validate(JSON.parse(answer[0])), `${JSON.stringify(schema)}: ${answer[0]}`).toBe(true);
        expect(answer[1]).toBe("eos");
      }
    },
  );

  it("calls a function when it has to, and uses what it was told", async () => {
    const weather = {
      type: "function",
      function: {
        name: "weather",
        description: "The weather in a city.",
        parameters: { type: "object", properties: { city: { type: "string", maxLength: 30 } }, required: ["city"] },
      },
    } as const;
    const question = { role: "user", content: "What is the weather in Lima?" } as const;
    const request = { messages: [question], tools: [weather], temperature: 0, max_tokens: 60 };
    const first = await wholeChat(author, engine.chat({ ...request, tool_choice: "required" })());
    const [call] = first.choices[0].message.tool_calls!;
    expect(first.choices[0].finish_reason).toBe("tool_calls");
    expect(call).toMatchObject({ type: "function", function: { name: "weather" } });
    expect(Object.keys(JSON.parse(call!.function.arguments) as object)).toEqual(["city"]);
    const result = { role: "tool", tool_call_id: call!.id, content: "18 degrees, foggy" } as const;
    const messages = [question, { role: "assistant", content: null, tool_calls: [call!] } as const, result];
    const second = await wholeChat(author, engine.chat({ ...request, messages, tool_choice: "none" })());
    expect(second.choices[0].message.content).toMatch(/18|fog/);
  });

  it("refuses what it can't enforce before it begins", async () => {
    await expect(ask({ type: "json_schema", json_schema: { schema: { not: {} } } }, "?")).rejects.toThrow("not");
    await expect(ask({ type: "regex", pattern: "(" }, "?")).rejects.toThrow("not closed");
    await expect(ask({ type: "regex", pattern: "[a-z]{40}" }, "?", { max_tokens: 2 })).rejects.toThrow("takes 4 tokens at least");
  });
});
