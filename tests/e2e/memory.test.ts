// What a model has read, in Chromium: a reload goes on with it, a person goes before a job, and what is deleted is gone from the disk.
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cria } from "../../workers/engine/base/cria.ts";
import { obtainModel } from "../../web/cli/model.ts";
import { openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

declare const cria: Cria;

/** About 600 tokens. */
const LONG = "Once upon a time a llama walked over the mountain to the market with a basket of wool. ".repeat(30);

/** What is kept is written behind the answer. */
const PATIENTLY = { timeout: 20_000 };

let app: AppServer;
let chromium: TestBrowser;
let page: Page;

beforeAll(async () => {
  await obtainModel();
  app = await serveApp();
  chromium = await openChromium();
  page = await chromium.browser.newPage();
  await page.setViewport({ width: 1100, height: 760 });
  await page.goto(app.url);
  await (await page.waitForSelector(".button.large"))!.click();
  await page.waitForSelector(".status .dot");
});

afterAll(async () => {
  await chromium.close();
  await app.close();
});

/** Loads the library in a document of the app's that has no script, and so no model, of its own. */
async function load(): Promise<void> {
  await page.goto(new URL("catalogue.json", app.url).href);
  const url = JSON.stringify(new URL("cria.js", app.url).href);
  // A string: the test's own compiler would put another import in its place.
  await page.evaluate(`(async () => {
    const { load } = await import(${url});
    globalThis.cria = await load({ model: "smollm2-135m-instruct", backend: "wasm" });
  })()`);
}

/** Goes on with a text; gives what was said and how many of its tokens had not to be read. */
function goOn(prompt: string, conversation: string | null): Promise<{ text: string; cached: number; tokens: number }> {
  return page.evaluate(
    async (prompt, conversation) => {
      const request = { prompt, max_tokens: 12, temperature: 0 } as const;
      const { choices, usage } = await cria.completions.create(request, conversation === null ? {} : { conversation });
      const { prompt_tokens: tokens, prompt_tokens_details } = usage!;
      return { text: choices[0].text, cached: prompt_tokens_details.cached_tokens, tokens };
    },
    prompt,
    conversation,
  );
}

/** Keys of the database of what was read. */
async function kept(): Promise<string[]> {
  return page.evaluate(async () => {
    // Opening one that is not there would make an empty one, without the store in it.
    if (!(await indexedDB.databases()).some(({ name }) => name === "cria-memory")) return [];
    return new Promise<string[]>((resolve, reject) => {
      const opening = indexedDB.open("cria-memory");
      opening.onerror = () => reject(opening.error!);
      opening.onsuccess = () => {
        const database = opening.result;
        const keys = database.transaction("keyval").objectStore("keyval").getAllKeys();
        keys.onsuccess = () => {
          database.close();
          resolve(keys.result.map((key) => JSON.stringify(key)));
        };
      };
    });
  });
}

describe("a long conversation", () => {
  it("goes on after a reload without being read again, and says the same", async () => {
    await load();
    const first = await goOn(LONG, "llamas");
    expect(first.cached).toBe(0);
    await expect.poll(kept, PATIENTLY).toContainEqual(expect.stringContaining('"llamas"'));
    await load();
    const again = await goOn(LONG, "llamas");
    expect(again.text).toBe(first.text);
    expect(again.tokens - again.cached).toBeLessThanOrEqual(64);
  });

  it("that nobody named leaves nothing on the disk", async () => {
    const before = await kept();
    await goOn(`Another one. ${LONG}`, null);
    expect(await kept()).toEqual(before);
  });
});

describe("a person", () => {
  it("is answered while a job of the background goes on", async () => {
    const order = await page.evaluate(async (long) => {
      const ended: string[] = [];
      const job = cria.completions
        .create({ prompt: long, max_tokens: 150, ignore_eos: true }, { urgency: "background" })
        .then(() => ended.push("job"));
      const person = cria.completions.create({ prompt: "Hello", max_tokens: 3 }).then(() => ended.push("person"));
      await Promise.all([job, person]);
      return ended;
    }, LONG);
    expect(order).toEqual(["person", "job"]);
  });
});

describe("a conversation of the page", () => {
  it("is kept while it is there, and forgotten with it", async () => {
    await page.goto(app.url);
    await page.waitForSelector(".status .dot");
    await page.type(".foot textarea", LONG.slice(0, 900));
    await page.keyboard.press("Enter");
    await page.waitForSelector('[aria-label="Stop"]');
    await page.waitForSelector('[aria-label="Send"]');
    const of = async (): Promise<number> => (await kept()).filter((key) => key.startsWith('["kept"')).length;
    await expect.poll(of, PATIENTLY).toBe(2); // and the one of the library
    await page.click("nav[aria-label=Conversations] [aria-label^='Actions for']");
    await (await page.waitForSelector("[role=menuitem]::-p-text(Delete)"))!.click();
    await expect.poll(of, PATIENTLY).toBe(1);
  });

  it("is forgotten with all others at a tap", async () => {
    await page.evaluate(() => (location.hash = "models"));
    await (await page.waitForSelector("dialog ::-p-text(Forget what was read)"))!.click();
    await expect.poll(kept, PATIENTLY).toEqual([]);
  });
});
