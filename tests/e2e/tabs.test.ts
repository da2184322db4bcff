// One engine for all tabs, in Chromium: a second tab shares the model, and takes over when the first is closed or crashes in mid-answer.
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obtainModel } from "../../web/cli/model.ts";
import { openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

/** Answered in 200 tokens. */
const STORY = "Write a very long story about a llama.";

let app: AppServer;
let chromium: TestBrowser;
let first: Page;
let second: Page;
let third: Page;
/** The whole story, told without disturbance. */
let story: string;

beforeAll(async () => {
  await obtainModel();
  app = await serveApp();
  chromium = await openChromium();
  first = await open();
  await first.evaluate(() => localStorage.setItem("cria-preferences", JSON.stringify({ maxTokens: 200, backend: "wasm" })));
  await first.reload();
  await (await first.waitForSelector(".button.large"))!.click();
  await ready(first);
  story = await ask(first, STORY);
});

afterAll(async () => {
  await chromium.close();
  await app.close();
});

async function open(): Promise<Page> {
  const page = await chromium.browser.newPage();
  await page.setViewport({ width: 1100, height: 760 });
  await page.goto(app.url);
  return page;
}

const ready = (page: Page): Promise<unknown> => page.waitForSelector(".status .dot");
const status = (page: Page): Promise<string> => page.$eval(".status", (element) => element.textContent!);
const engines = (page: Page): number => page.workers().filter((worker) => worker.url().includes("llm.worker")).length;
const answers = (page: Page): Promise<string[]> =>
  page.$$eval(".answer-text", (all) => all.map((each) => each.textContent!.trim()));

async function begin(page: Page, question: string): Promise<void> {
  await page.bringToFront();
  await page.waitForSelector(".foot textarea");
  await page.type(".foot textarea", question);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[aria-label="Stop"]');
}

async function end(page: Page): Promise<string> {
  await page.waitForSelector('[aria-label="Send"]');
  return (await answers(page)).at(-1)!;
}

async function ask(page: Page, question: string): Promise<string> {
  await begin(page, question);
  return end(page);
}

/** Begins the story in a new conversation and waits for its first words. */
async function beginStory(page: Page): Promise<void> {
  await begin(page, STORY);
  await page.waitForFunction(() => (document.querySelector(".answer-text")?.textContent?.length ?? 0) > 40);
}

describe("a second tab", () => {
  it("has the model at once, without an engine of its own, and says where it runs", async () => {
    second = await open();
    await ready(second);
    expect([engines(first), engines(second)]).toEqual([1, 0]);
    expect(await status(second)).toContain("The model runs in another tab of Cria");
    expect(await status(first)).not.toContain("another tab");
  });

  it("gets the same answer from it", async () => {
    expect(await ask(second, "Name the capital of France.")).toContain("Paris");
  });

  it("tells its story to the end when the first one is closed in the middle", async () => {
    await second.click("button.new");
    await beginStory(second);
    await first.close();
    expect(await end(second)).toBe(story);
    await ready(second);
    expect(await status(second)).not.toContain("another tab");
    expect(engines(second)).toBe(1);
    expect(await second.$("[role=alert] h2")).toBeNull();
  });

  it("is itself survived by a third when its renderer is killed", async () => {
    third = await open();
    await ready(third);
    expect(engines(third)).toBe(0);
    await beginStory(third);
    const session = await second.createCDPSession();
    void session.send("Page.crash").catch(() => undefined); // nobody answers any more
    expect(await end(third)).toBe(story);
    expect(engines(third)).toBe(1);
    expect(await third.$("[role=alert] h2")).toBeNull();
  });

  it("keeps every word that was said", async () => {
    await third.reload();
    await ready(third);
    expect((await answers(third)).at(-1)).toBe(story);
  });
});
