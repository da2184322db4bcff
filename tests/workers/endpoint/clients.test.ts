// The official `openai` client and the Vercel AI SDK, unchanged, against the endpoint: a real model, and no server.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, jsonSchema, Output, streamText, tool, type JSONSchema7 } from "ai";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, openEngine } from "../../../workers/engine/engine.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { SMOLLM2 } from "../../golden/models.ts";
import { fileSource } from "../../golden/sources.ts";
import { nodeHost } from "../engine/node-host.ts";
import { BASE_URL, fetchFrom, servedBy } from "./serving.ts";

const QUESTION = [{ role: "user", content: "Name the capital of France." }] as const;
const PARIS = "The capital of France is Paris.";
const CITY = z.object({ city: z.enum(["Paris", "Rome"]), letters: z.number().int().min(1).max(9) });
const WEATHER: JSONSchema7 = { type: "object", properties: { city: { type: "string", maxLength: 12 } }, required: ["city"] };

describe.skipIf(SMOLLM2 === null)("SmolLM2 at the endpoint", () => {
  let engine: Engine;
  let openai: OpenAI;
  let provider: ReturnType<typeof createOpenAICompatible>;

  beforeAll(async () => {
    const file = await readModelFile(fileSource(SMOLLM2!));
    const system = "You are a helpful assistant. Answer briefly and correctly.";
    const options = {
      id: "smollm2",
      name: null,
      backend: "wasm",
      contextLength: 2048,
      defaults: { system, sampling: {} },
    } as const;
    engine = await openEngine(nodeHost(), file, options);
    const fetch = fetchFrom(() => Promise.resolve(servedBy(engine)));
    openai = new OpenAI({ apiKey: "none", baseURL: BASE_URL, fetch, maxRetries: 0 });
    provider = createOpenAICompatible({
      name: "cria",
      baseURL: BASE_URL,
      fetch,
      supportsStructuredOutputs: true,
      includeUsage: true,
    });
  });
  afterAll(() => engine.close());

  describe("openai's client", () => {
    it("lists and finds models", async () => {
      expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(["smollm2"]);
      expect((await openai.models.retrieve("cria")).id).toBe("smollm2");
    });

    it("asks and is answered, whole and in pieces", async () => {
      const whole = await openai.chat.completions.create({ model: "cria", messages: [...QUESTION], temperature: 0 });
      expect(whole.choices[0]!.message.content).toBe(PARIS);
      let said = "";
      let tokens = 0;
      for await (const { choices, usage } of await openai.chat.completions.create({
        model: "cria",
        messages: [...QUESTION],
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
      })) {
        said += choices[0]?.delta.content ?? "";
        tokens = usage?.completion_tokens ?? tokens;
      }
      expect([said, tokens]).toEqual([PARIS, whole.usage!.completion_tokens]);
    });

    it("gathers a stream with its helper", async () => {
      const heard: string[] = [];
      const stream = openai.chat.completions
        .stream({ model: "cria", messages: [...QUESTION], temperature: 0 })
        .on("content", (delta) => heard.push(delta));
      expect(await stream.finalContent()).toBe(PARIS);
      expect(heard.join("")).toBe(PARIS);
    });

    it("parses what a schema holds the answer to", async () => {
      const { choices } = await openai.chat.completions.parse({
        model: "cria",
        messages: [...QUESTION],
        temperature: 0,
        response_format: zodResponseFormat(CITY, "city"),
      });
      expect(choices[0]!.message.parsed).toMatchObject({ city: "Paris" });
    });

    it("runs tools and hands their results back", async () => {
      const asked: string[] = [];
      const runner = openai.chat.completions.runTools(
        {
          model: "cria",
          messages: [{ role: "user", content: "What is the weather in Paris?" }],
          temperature: 0,
          max_tokens: 48,
          tool_choice: { type: "function", function: { name: "weather" } },
          tools: [
            {
              type: "function",
              function: {
                name: "weather",
                description: "The weather of a city.",
                parameters: { ...WEATHER },
                parse: (text: string) => JSON.parse(text) as { city: string },
                function: ({ city }: { city: string }) => (asked.push(city), "sunny"),
              },
            },
          ],
        },
        { maxChatCompletions: 2 },
      );
      await runner.done();
      expect(asked).toHaveLength(1);
      expect(runner.messages.some((message) => message.role === "tool" && message.content === "sunny")).toBe(true);
    });

    it("goes on with a text, and stops it", async () => {
      const stream = await openai.completions.create({
        model: "cria",
        prompt: "Once upon a time",
        stream: true,
        max_tokens: 400,
      });
      let pieces = 0;
      for await (const { choices } of stream) if (choices.length > 0 && ++pieces === 3) stream.controller.abort();
      expect(pieces).toBeLessThan(10);
      // a request that follows finds the engine free
      const { choices } = await openai.completions.create({
        model: "cria",
        prompt: "One, two, three,",
        max_tokens: 2,
        temperature: 0,
      });
      expect(choices[0]!.text).toBe(" four,");
    });

    it("stops an answer that comes whole", async () => {
      const controller = new AbortController();
      const answering = openai.chat.completions.create(
        { model: "cria", messages: [{ role: "user", content: "Tell a long story." }], max_tokens: 1500 },
        { signal: controller.signal },
      );
      setTimeout(() => controller.abort(), 50);
      await expect(answering).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
      const began = engine.stats.decode.tokens;
      await engine.aside(() => Promise.resolve());
      expect(engine.stats.decode.tokens).toBeLessThan(began + 64);
    });

    it("embeds, in base64 by itself", async () => {
      const { data } = await openai.embeddings.create({ model: "cria", input: ["A llama", "An alpaca"] });
      expect(data.map(({ embedding }) => embedding.length)).toEqual([576, 576]);
      expect(Math.hypot(...data[0]!.embedding)).toBeCloseTo(1, 5);
    });

    it("throws errors of its own kinds", async () => {
      const ask = (more: object): Promise<unknown> =>
        openai.chat.completions.create({ model: "cria", messages: [...QUESTION], ...more });
      await expect(ask({ model: "gpt-4" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
      await expect(ask({ temperature: 99 })).rejects.toMatchObject({ status: 400, param: "temperature" });
      await expect(ask({ messages: [{ role: "user", content: "llama ".repeat(3000) }] })).rejects.toMatchObject({
        code: "context_length_exceeded",
      });
    });
  });

  describe("the Vercel AI SDK", () => {
    const prompt = QUESTION[0].content;

    it("generates text", async () => {
      const { text, usage, finishReason } = await generateText({ model: provider("cria"), prompt, temperature: 0 });
      expect([text, finishReason]).toEqual([PARIS, "stop"]);
      expect(usage.outputTokens).toBeGreaterThan(4);
    });

    it("streams text, and is stopped", async () => {
      const { textStream, usage } = streamText({ model: provider("cria"), prompt, temperature: 0 });
      let said = "";
      for await (const piece of textStream) said += piece;
      expect(said).toBe(PARIS);
      expect((await usage).outputTokens).toBeGreaterThan(4);
      const controller = new AbortController();
      const story = streamText({ model: provider("cria"), prompt: "Tell a long story.", abortSignal: controller.signal });
      let pieces = 0;
      for await (const piece of story.textStream) if (piece !== "" && ++pieces === 3) controller.abort();
      expect(pieces).toBeLessThan(20);
    });

    it("gets an object of a schema", async () => {
      const { output } = await generateText({
        model: provider("cria"),
        prompt,
        temperature: 0,
        output: Output.object({ schema: CITY }),
      });
      expect(output.city).toBe("Paris");
    });

    it("calls a tool", async () => {
      const weather = tool({
        description: "The weather of a city.",
        inputSchema: jsonSchema<{ city: string }>(WEATHER),
        execute: () => Promise.resolve("sunny"),
      });
      const { toolCalls, toolResults } = await generateText({
        model: provider("cria"),
        prompt: "What is the weather in Paris?",
        temperature: 0,
        tools: { weather },
        toolChoice: "required",
      });
      expect(toolCalls[0]!.toolName).toBe("weather");
      expect(toolResults[0]!.output).toBe("sunny");
    });

    it("embeds", async () => {
      const { embeddings } = await embedMany({ model: provider.embeddingModel("cria"), values: ["A llama", "An alpaca"] });
      expect(embeddings.map(({ length }) => length)).toEqual([576, 576]);
    });
  });
});
