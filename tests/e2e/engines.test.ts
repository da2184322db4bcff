// The whole path on WASM in browsers that are no Chromium: a first visit, then a second one with the server gone.
import { describe, expect, it } from "vitest";
import { serveApp } from "./browser.ts";
import { openFirefox } from "./firefox.ts";
import { openWebKit, type DrivenPage } from "./webkit.ts";

const ASK = `
  const { load } = await import(new URL("cria.js", location.href).href);
  const cria = await load({ model: "smollm2-135m-instruct", backend: "wasm" });
  const messages = [{ role: "user", content: "Name the capital of France." }];
  const answer = await cria.chat.completions.create({ messages, temperature: 0, max_tokens: 12 });
  const { tier, threads } = cria.info;
  await cria.unload();
  return { title: document.title, text: answer.choices[0].message.content, tier, threads };`;

const CONTROLLED = `await navigator.serviceWorker.ready; return navigator.serviceWorker.controller !== null`;

async function visitTwice(page: DrivenPage): Promise<{ online: unknown; offline: unknown }> {
  const server = await serveApp();
  try {
    await page.open(server.url);
    const online = await page.evaluate(ASK);
    await page.evaluate(CONTROLLED);
    await server.close();
    await page.open(server.url);
    return { online, offline: await page.evaluate(ASK) };
  } finally {
    await server.close();
    await page.close();
  }
}

describe("the answer about Paris, with the server and without", () => {
  it("comes in Firefox, on threads", async () => {
    const { online, offline } = await visitTwice(await openFirefox());
    expect(online).toMatchObject({ text: "The capital of France is Paris." });
    expect(offline).toEqual(online);
  });

  it("comes in WebKitGTK, on one thread and plain SIMD", async () => {
    const { online, offline } = await visitTwice(await openWebKit());
    expect(online).toMatchObject({ text: "The capital of France is Paris.", threads: 1 });
    expect(offline).toEqual(online);
  });
});
