// The endpoint in a browser: OpenAI's client and the AI SDK, unchanged, in pages of Cria's origin, answered by the service worker.
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Library from "../../../web/api/cria.ts";
import golden from "../../golden/builtin/golden.json" with { type: "json" };
import { openChromium, type TestBrowser } from "../browser.ts";
import { serveCria, type Site } from "../embed/site.ts";
import type { Kit } from "./main.ts";

const PAGE =
  '<!doctype html><title>A tool</title><script type="module" src="./tool.js"></script><script type="module" src="./library.js"></script>';
const LIBRARY = 'import * as library from "./cria.js"; Object.assign(window, { library });';
/** A story that llama.cpp begins in the same way, token for token. */
const { prompt, text } = golden.stories[0]!;

declare const kit: Kit;
declare const library: typeof Library;
declare const cria: Library.Cria;

let chromium: TestBrowser;
let site: Site;
/** A page that loads the model itself, and one that never does. */
let loader: Page;
let other: Page;

beforeAll(async () => {
  const options = { input: join(import.meta.dirname, "main.ts"), output: { format: "es" as const, codeSplitting: false } };
  const result = await build({
    configFile: false,
    logLevel: "warn",
    build: { write: false, target: "es2023", rollupOptions: options },
  });
  if (!("output" in result)) throw new Error("The tool did not build into one file.");
  site = await serveCria({ files: { "/tool.html": PAGE, "/tool.js": result.output[0].code, "/library.js": LIBRARY } });
  chromium = await openChromium();
  const app = await chromium.browser.newPage();
  await app.goto(site.url); // it brings the service worker
  await app.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await app.close();
  loader = await openTool();
  other = await openTool();
});
afterAll(async () => {
  await chromium.close();
  await site.close();
});

async function openTool(): Promise<Page> {
  const page = await chromium.browser.newPage();
  await page.goto(`${site.url}tool.html`);
  await page.waitForFunction(() => "kit" in window && "library" in window);
  return page;
}

it("says that no model is loaded, with a status that clients know", async () => {
  const failed = await other.evaluate(async () => {
    const list = await kit.openai.models.list();
    const error: unknown = await kit.openai.chat.completions
      .create({ model: "cria", messages: [{ role: "user", content: "Hello" }] })
      .catch((error: unknown) => error);
    return { models: list.data.length, status: Object(error).status, code: Object(error).code };
  });
  expect(failed).toEqual({ models: 0, status: 503, code: "model_not_loaded" });
});

describe.each(["the page that loaded it", "another tab"])("a model, asked by %s", (who) => {
  let page: Page;
  beforeAll(async () => {
    page = who === "another tab" ? other : loader;
    if (page !== loader) return;
    await page.evaluate(async () => {
      const model = new URL("builtin/cria-builtin.gguf", document.baseURI).href;
      Object.assign(window, { cria: await library.load({ model, backend: "wasm" }) });
    });
  });

  it("goes on with a text, whole and in pieces", async () => {
    const said = await page.evaluate(async (prompt) => {
      const { id } = (await kit.openai.models.list()).data[0]!;
      const request = { model: id, prompt, max_tokens: 24, temperature: 0 };
      const whole = await kit.openai.completions.create(request);
      const pieces: string[] = [];
      for await (const { choices } of await kit.openai.completions.create({ ...request, stream: true }))
        if (choices[0]?.text) pieces.push(choices[0].text);
      return { whole: whole.choices[0]!.text, pieces, used: whole.usage!.completion_tokens };
    }, prompt);
    expect(said.whole.length).toBeGreaterThan(20);
    expect(text.startsWith(said.whole)).toBe(true);
    expect(said.pieces.join("")).toBe(said.whole);
    expect(said.pieces.length).toBeGreaterThan(8);
    expect(said.used).toBe(24);
  });

  it("answers in a chat through the client's stream helper", async () => {
    const [helped, plain] = await page.evaluate(async () => {
      const request = { model: "cria", messages: [{ role: "user" as const, content: "Tell me a story." }], temperature: 0 };
      const helped = await kit.openai.chat.completions.stream({ ...request, max_tokens: 20 }).finalContent();
      const { choices } = await kit.openai.chat.completions.create({ ...request, max_tokens: 20 });
      return [helped, choices[0]!.message.content];
    });
    expect(helped).toBe(plain);
    expect(plain!.length).toBeGreaterThan(10);
  });

  it("holds to a schema, and calls a tool it is made to call", async () => {
    const { object, called } = await page.evaluate(async () => {
      const { generateText, jsonSchema, Output, provider, tool } = kit;
      const schema = jsonSchema<{ mood: string }>({
        type: "object",
        properties: { mood: { enum: ["glad", "sad"] } },
        required: ["mood"],
      });
      const model = provider("cria");
      const { output } = await generateText({
        model,
        prompt: "How is the llama?",
        output: Output.object({ schema }),
        temperature: 0,
      });
      const feel = tool({ description: "Says a mood.", inputSchema: schema, execute: ({ mood }) => Promise.resolve(`${mood}!`) });
      const { toolResults } = await generateText({
        model,
        prompt: "How is the llama?",
        tools: { feel },
        toolChoice: { type: "tool", toolName: "feel" },
        temperature: 0,
      });
      return { object: output, called: toolResults.map((result) => String(result.output)) };
    });
    expect(["glad", "sad"]).toContain(object.mood);
    expect(called).toEqual([expect.stringMatching(/^(glad|sad)!$/)]);
  });

  /** Tokens of the last answer, once the engine is free: a score waits for its turn and writes nothing. */
  const written = (): Promise<number> =>
    loader.evaluate(async () => {
      await cria.score({ context: "a", continuations: ["b"] });
      return (await cria.stats()).decode.tokens;
    });

  it("is stopped by the client in the middle of a stream", async () => {
    await page.evaluate(async () => {
      const request = { model: "cria", prompt: "Once upon a time", max_tokens: 400, ignore_eos: true };
      const stream = await kit.openai.completions.create({ ...request, stream: true });
      for await (const { choices } of stream) if (choices.length > 0) stream.controller.abort();
    });
    expect(await written()).toBeLessThan(400);
  });

  it("is stopped by the client before a whole answer comes", async () => {
    const message = await page.evaluate(async () => {
      const controller = new AbortController();
      // as slowly as a small model can
      const slowly = { logprobs: 20, speculate: false, ignore_eos: true };
      const request = { model: "cria", prompt: "Once upon a time", max_tokens: 400, ...slowly };
      const answer = kit.openai.completions.create(request, { signal: controller.signal });
      setTimeout(() => controller.abort(), 5);
      const error: unknown = await answer.catch((error: unknown) => error);
      return String(Object(error).message);
    });
    expect(message).toBe("Request was aborted.");
    expect(await written()).toBeLessThan(400);
  });

  it("streams text to the AI SDK, and embeds", async () => {
    const { said, length } = await page.evaluate(async () => {
      const { textStream } = kit.streamText({ model: kit.provider("cria"), prompt: "Tell me a story.", maxOutputTokens: 12 });
      let said = "";
      for await (const piece of textStream) said += piece;
      const { embedding } = await kit.embed({ model: kit.provider.embeddingModel("cria"), value: "A llama." });
      return { said, length: Math.hypot(...embedding) };
    });
    expect(said.length).toBeGreaterThan(10);
    expect(length).toBeCloseTo(1, 4);
  });
});

it("leaves the model where it is: requests from elsewhere take no share of it", async () => {
  expect(await loader.evaluate(async () => (await cria.tokenize("still here")).length)).toBeGreaterThan(0);
  await loader.evaluate(() => cria.unload());
  expect(await other.evaluate(async () => (await kit.openai.models.list()).data.length)).toBe(0);
});

it("never asks the network", () => {
  expect(site.requests.filter(({ path }) => path.startsWith("/v1"))).toEqual([]);
});
