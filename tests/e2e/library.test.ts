// cria.js in a page that is not ours: what another site's developer does, in a real browser.
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Library from "../../web/api/cria.ts";
import { obtainModel } from "../../web/cli/model.ts";
import { openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const QUESTION = [{ role: "user", content: "Name the capital of France." }] as const;
const ANSWER = "The capital of France is Paris.";

let app: AppServer;
let chromium: TestBrowser;

beforeAll(async () => {
  await obtainModel();
  app = await serveApp();
  chromium = await openChromium();
});

afterAll(async () => {
  await chromium.close();
  await app.close();
});

/** A page elsewhere on the same origin that has imported the library and loaded the default model into `cria`. */
async function otherPage(headers: Record<string, string>): Promise<Page> {
  const page = await chromium.browser.newPage();
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    const other = request.url().endsWith("/elsewhere/page.html");
    void (other
      ? request.respond({ contentType: "text/html", headers, body: "<!doctype html><title>Elsewhere</title>" })
      : request.continue());
  });
  await page.goto(`${app.url}elsewhere/page.html`);
  await page.evaluate(async (url) => {
    const library: typeof Library = await import(/* @vite-ignore */ url);
    Object.assign(window, { library, cria: await library.load({ model: "smollm2-135m-instruct", backend: "wasm" }) });
  }, `${app.url}cria.js`);
  return page;
}

declare const library: typeof Library;
declare const cria: Library.Cria;

describe("the library in an isolated page", () => {
  let page: Page;
  beforeAll(async () => {
    page = await otherPage(ISOLATED);
  });

  it("tells what it loaded, and uses threads", async () => {
    const info = await page.evaluate(() => cria.info);
    expect(info).toMatchObject({
      id: "smollm2-135m-instruct",
      backend: "wasm",
      quantization: "Q4_1",
      shape: { layers: 30, dim: 576, vocab: 49152 },
    });
    expect(info.threads).toBeGreaterThan(1);
  });

  it("turns text to tokens and back", async () => {
    const [ids, text] = await page.evaluate(async () => {
      const ids = await cria.tokenize("Grüße, 世界 🦙");
      return [ids, await cria.detokenize(ids)] as const;
    });
    expect(ids.length).toBeGreaterThan(3);
    expect(text).toBe("Grüße, 世界 🦙");
  });

  it("answers a chat whole", async () => {
    const answer = await page.evaluate((messages) => cria.chat.completions.create({ messages, temperature: 0 }), QUESTION);
    expect(answer.choices[0]).toMatchObject({
      message: { role: "assistant", content: ANSWER },
      finish_reason: "stop",
      stop_type: "eos",
    });
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  it("answers a chat in pieces, from the cache where it can", async () => {
    const chunks = await page.evaluate(async (messages) => {
      const chunks: Library.ChatCompletionChunk[] = [];
      for await (const chunk of await cria.chat.completions.create({ messages, temperature: 0, stream: true }))
        chunks.push(chunk);
      return chunks;
    }, QUESTION);
    expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("")).toBe(ANSWER);
    const { prompt_tokens, prompt_tokens_details } = chunks.at(-1)!.usage!;
    expect(prompt_tokens_details.cached_tokens).toBe(prompt_tokens - 1);
  });

  it("scores a text that is echoed", async () => {
    const answer = await page.evaluate(() =>
      cria.completions.create({ prompt: "Paris is in France", max_tokens: 0, echo: true, logprobs: 1 }),
    );
    const { text, logprobs } = answer.choices[0];
    expect(text).toBe("Paris is in France");
    expect(logprobs!.tokens.join("")).toBe(text);
    expect(logprobs!.token_logprobs[0]).toBeNull();
    expect(logprobs!.token_logprobs.slice(1).every((logprob) => logprob! < 0 && logprob! > -30)).toBe(true);
  });

  it("stops between two tokens, and answers the next request", async () => {
    const [stopped, next] = await page.evaluate(async (messages) => {
      const controller = new AbortController();
      const { signal } = controller;
      const texts: string[] = [];
      let ended: string | null = null;
      for await (const { choices } of await cria.completions.create(
        { prompt: "Once upon a time", stream: true, max_tokens: 400 },
        { signal },
      )) {
        if (choices[0].text !== "") texts.push(choices[0].text);
        if (texts.length === 3) controller.abort();
        ended = choices[0].stop_type;
      }
      const answer = await cria.chat.completions.create({ messages, temperature: 0 });
      return [{ pieces: texts.length, ended }, answer.choices[0].message.content] as const;
    }, QUESTION);
    expect(stopped).toEqual({ pieces: 3, ended: "stopped" });
    expect(next).toBe(ANSWER);
  });

  it("refuses what it does not offer, by name", async () => {
    const error = await page.evaluate(async (messages) => {
      const failure: unknown = await cria.chat.completions.create({ messages, temperature: -1 }).catch((error: unknown) => error);
      return failure instanceof library.EngineError ? { code: failure.code, message: failure.message } : null;
    }, QUESTION);
    expect(error).toEqual({ code: "bad_request", message: "temperature is -1; it can be 0 to 10." });
  });

  it("throws `disposed` once it is unloaded", async () => {
    const code = await page.evaluate(async () => {
      await cria.unload();
      return cria.tokenize("gone").catch((error: unknown) => (error instanceof library.EngineError ? error.code : null));
    });
    expect(code).toBe("disposed");
  });
});

describe("the library in a page without isolation", () => {
  it("answers with one thread", async () => {
    const page = await otherPage({});
    const [threads, answer] = await page.evaluate(async (messages) => {
      const { choices } = await cria.chat.completions.create({ messages, temperature: 0 });
      return [cria.info.threads, choices[0].message.content] as const;
    }, QUESTION);
    expect([threads, answer]).toEqual([1, ANSWER]);
  });
});
