// The built app in Chromium: a first visit that downloads, a second one without a network, and what the page says when the disk is full.
import type { Page } from "puppeteer-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { obtainModel } from "../../web/cli/model.ts";
import { openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

const ANSWER = "The capital of France is Paris.";

let app: AppServer;
let chromium: TestBrowser;

// A browser of its own for each: one whose quota was changed is late to answer navigations from its service worker now and then.
beforeEach(async () => {
  await obtainModel();
  app = await serveApp();
  chromium = await openChromium();
});

afterEach(async () => {
  await chromium.close();
  await app.close();
});

describe("the app", () => {
  it("is refused by a full disk in words, and goes on when there is room", async () => {
    const page = await chromium.browser.newPage();
    const devtools = await page.createCDPSession();
    const origin = new URL(app.url).origin;
    // Before anything is stored: Chromium remembers for a while how much room there was.
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 40 * 2 ** 20 });
    await openIn(page);
    expect(await ask(page)).toMatchObject({ code: "disk_full", hint: expect.stringContaining("Remove a stored model") });
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    expect(await ask(page)).toBe(ANSWER);
    await page.close();
  });

  it("opens without a network, asks nobody, and answers the same", async () => {
    const first = await openPage();
    await ask(first);
    await first.close();
    await app.close();
    const page = await openPage();
    expect(await ask(page)).toBe(ANSWER);
  });
});

/** Opens the app until its service worker is in charge, then a page beside it: the app itself would load the model as well. */
async function openPage(): Promise<Page> {
  const page = await chromium.browser.newPage();
  await openIn(page);
  return page;
}

async function openIn(page: Page): Promise<void> {
  await page.goto(app.url);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null && document.querySelector("main") !== null);
  await page.goto(`${app.url}catalogue.json`);
}

/** What the model answers, or the error as a record. A string: vitest would rewrite the import in a function. */
async function ask(page: Page): Promise<unknown> {
  return page.evaluate(`(async () => {
    try {
      const { load } = await import("${app.url}cria.js");
      const cria = await load({ model: "smollm2-135m-instruct", backend: "wasm" });
      const messages = [{ role: "user", content: "Name the capital of France." }];
      const answer = await cria.chat.completions.create({ messages, temperature: 0, max_tokens: 12 });
      await cria.unload();
      return answer.choices[0].message.content;
    } catch ({ code, message, hint }) {
      return { code, message, hint };
    }
  })()`);
}
