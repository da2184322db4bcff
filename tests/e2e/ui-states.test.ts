// Every state of the page in Chromium, with a double for an engine: seen by axe, at 320 px, by day and by night.
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { answered, ask, clickVisible, findings, LONG, NARROW, PageTests, say, WIDE, type Look } from "./page/open.ts";

let tests: PageTests;
beforeAll(async () => {
  tests = await PageTests.start();
});
afterEach(() => tests.closePages());
afterAll(() => tests.stop());

/** Each state of the page, and how one gets there. */
const STATES: Record<string, { query: string; reach?: (page: Page) => Promise<unknown> }> = {
  "first visit": { query: "", reach: (page) => page.waitForSelector(".button.large") },
  "address of a model": {
    query: "",
    reach: async (page) => (await page.waitForSelector("button ::-p-text(From an address)"))!.click(),
  },
  loading: {
    query: "?downloadMs=20000",
    reach: async (page) => {
      await (await page.waitForSelector(".button.large"))!.click();
      await page.waitForSelector("[role=progressbar][aria-valuenow]");
    },
  },
  "failed to load": { query: "?stored=1&load=network", reach: (page) => page.waitForSelector("[role=alert]") },
  "crashed twice": { query: "?stored=1&crashes=2", reach: (page) => page.waitForSelector(".note") },
  "nothing said yet": { query: "?stored=1", reach: (page) => page.waitForSelector(".empty button") },
  "reading the question": {
    query: "?stored=1&tokenMs=5000",
    reach: async (page) => {
      await ask(page, "Hello");
      await page.waitForSelector(".waiting");
    },
  },
  answering: {
    query: "?stored=1&tokenMs=40",
    reach: async (page) => {
      await say(page, "word ".repeat(1000));
      await page.waitForFunction(() => window.app.chat.text.length > 200);
    },
  },
  "a long conversation": {
    query: "?stored=1",
    reach: async (page) => {
      for (let turn = 0; turn < 3; turn++) {
        await say(page, LONG);
        await answered(page);
      }
      await page.waitForSelector(".hljs-keyword");
    },
  },
  "two versions of an answer": {
    query: "?stored=1",
    reach: async (page) => {
      await say(page, "One.");
      await answered(page);
      await page.click('[aria-label="Answer again"]');
      await page.waitForSelector('[aria-label="Versions"]');
    },
  },
  "editing a question": {
    query: "?stored=1",
    reach: async (page) => {
      await say(page, "One.");
      await answered(page);
      await page.click('[aria-label="Edit question"]');
    },
  },
  "a full context": {
    query: "?stored=1&stop=context_full",
    reach: async (page) => {
      await say(page, "One.");
      await page.waitForSelector("[role=alert]");
    },
  },
  settings: { query: "?stored=1#settings", reach: (page) => page.waitForSelector("dialog[open]") },
  models: { query: "?stored=1#models", reach: (page) => page.waitForSelector(".card .best") },
  "measuring the device": { query: "?measureMs=60000#models", reach: (page) => page.waitForSelector(".measuring") },
  "the catalogue unfolded": {
    query: "?stored=1#models",
    reach: async (page) => {
      await page.waitForSelector(".card .best");
      await page.evaluate(() => document.querySelectorAll("li > details").forEach((details) => details.setAttribute("open", "")));
    },
  },
  "a repository": {
    query: "?stored=1#models",
    reach: async (page) => {
      await page.waitForSelector(".card .best");
      await page.type("#model-address", "gated/Llama-3.2-1B-Instruct-GGUF");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".repository .badge");
    },
  },
  "details of a model": {
    query: "?stored=1#models",
    reach: async (page) => {
      await page.waitForSelector(".card .best");
      await page.click('[aria-label="Actions for SmolLM2 135M Instruct"]');
      await (await page.waitForSelector("[role=menuitem] ::-p-text(Details)"))!.click();
      await page.waitForSelector("table");
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => details.setAttribute("open", "")));
    },
  },
  downloading: {
    query: "?stored=1&downloadMs=20000#models",
    reach: async (page) => {
      await page.waitForSelector(".card .best");
      await page.evaluate(() => void window.app.shelf.download("llama-3.2-1b-instruct", "Llama 3.2 1B Instruct"));
      await page.waitForSelector("[role=progressbar][aria-valuenow]");
    },
  },
  "a full disk": {
    query: "?stored=1&download=disk_full#models",
    reach: async (page) => {
      await page.waitForSelector(".card .best");
      await page.evaluate(() => void window.app.shelf.download("llama-3.2-1b-instruct", "Llama 3.2 1B Instruct"));
      await page.waitForSelector("[role=alert]");
    },
  },
  privacy: { query: "?stored=1#privacy", reach: (page) => page.waitForSelector("dialog[open]") },
  "asked before deleting": {
    query: "?stored=1#models",
    reach: async (page) => {
      await (await page.waitForSelector("button.danger"))!.click();
      await page.waitForSelector("#confirm-title");
    },
  },
  "list of conversations": {
    query: "?stored=1",
    reach: async (page) => {
      await say(page, "One.");
      await answered(page);
      const opener = await page.$('[aria-label="Conversations"].icon');
      if (await opener!.isVisible()) await opener!.click();
      await page.waitForFunction(() =>
        [...document.querySelectorAll('[aria-haspopup="menu"]')].some((menu) => menu.checkVisibility()),
      );
    },
  },
  "menu of a conversation": {
    query: "?stored=1",
    reach: async (page) => {
      await STATES["list of conversations"]!.reach!(page);
      await clickVisible(page, '[aria-haspopup="menu"]');
      await page.waitForSelector("[role=menu]:popover-open");
    },
  },
};

describe.each([
  ["wide and light", WIDE],
  ["320 px and dark", NARROW],
  ["320 px and light", { ...NARROW, scheme: "light" }],
  ["wide and dark", { ...WIDE, scheme: "dark" }],
] as [string, Look][])("the page, %s", (_, look) => {
  it.each(Object.entries(STATES))(
    "%s: axe finds nothing, nothing sticks out, nothing breaks",
    async (_name, { query, reach }) => {
      const page = await tests.open(query, look);
      await reach?.(page);
      expect(await findings(page)).toEqual([]);
      const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }));
      expect(scroll).toBeLessThanOrEqual(width);
      const overflowing = await page.evaluate(
        () =>
          [...document.querySelectorAll(".scroller, dialog .content")].filter(
            (place) => place.scrollWidth > place.clientWidth + 1,
          ).length,
      );
      expect(overflowing).toBe(0);
      expect(page.errors).toEqual([]);
    },
  );
});
