// The evaluation panel in Chromium, with a double for an engine: from a file to a figure, through a reload, in every look.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findings, NARROW, PageTests, WIDE, type Look } from "./page/open.ts";

let tests: PageTests;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cria-tasks-"));
  const rows = Array.from({ length: 200 }, (_, i) => {
    return { query: `Question: What is ${i}${"?".repeat(i % 5)}`, choices: ["a number", "no", "a llama", "wool"], gold: i % 4 };
  });
  writeFileSync(join(folder, "arc_easy.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  writeFileSync(join(folder, "story.txt"), "The llama hums in the morning. ".repeat(400));
  writeFileSync(join(folder, "broken.jsonl"), '{"query": "Q"}');
  tests = await PageTests.start();
});
afterEach(() => tests.closePages());
afterAll(async () => {
  await tests.stop();
  rmSync(folder, { recursive: true });
});

/** Opens the panel and picks a file. */
async function pick(page: Page, name: string): Promise<void> {
  const button = await page.waitForSelector("dialog[open] button ::-p-text(Choose a)");
  const [chooser] = await Promise.all([page.waitForFileChooser(), button!.click()]);
  await chooser.accept([join(folder, name)]);
}

async function press(page: Page, text: string): Promise<void> {
  await (await page.waitForSelector(`dialog[open] button ::-p-text(${text})`))!.click();
}

/** Waits until a run is done. */
async function done(page: Page): Promise<void> {
  await page.waitForSelector("dialog[open] .value");
  await page.waitForFunction(() => document.querySelector("dialog[open] [role=progressbar]") === null);
}

const STATES: Record<string, (page: Page) => Promise<unknown>> = {
  "nothing chosen": (page) => page.waitForSelector("dialog[open] ::-p-text(Choose a file)"),
  "a task chosen": async (page) => {
    await pick(page, "arc_easy.jsonl");
    await page.waitForSelector("dialog[open] ::-p-text(200 questions)");
  },
  "a text chosen": async (page) => {
    await pick(page, "story.txt");
    await page.waitForSelector("dialog[open] ::-p-text(a text of)");
  },
  "a broken file": async (page) => {
    await pick(page, "broken.jsonl");
    await page.waitForSelector("dialog[open] [role=alert]");
  },
  "done, beside the paper and another run": async (page) => {
    for (let round = 0; round < 2; round++) {
      await pick(page, "arc_easy.jsonl");
      await press(page, "Ask SmolLM2");
      await done(page);
      if (round === 0) await press(page, "All evaluations");
    }
    const [, other] = await page.$$eval("#beside option", (options) => options.map(({ value }) => value));
    await page.select("#beside", other!);
    await page.waitForSelector("dialog[open] ::-p-text(Same answer)");
  },
  "a list of runs": async (page) => {
    await pick(page, "story.txt");
    await press(page, "Ask SmolLM2");
    await done(page);
    await press(page, "All evaluations");
    await page.waitForSelector("dialog[open] ::-p-text(story)");
  },
};

describe.each([
  ["wide and light", WIDE],
  ["320 px and dark", NARROW],
  ["320 px and light", { ...NARROW, scheme: "light" }],
  ["wide and dark", { ...WIDE, scheme: "dark" }],
] as [string, Look][])("the evaluation panel, %s", (name, look) => {
  it.each(Object.entries(STATES))("%s: axe finds nothing, nothing sticks out, nothing breaks", async (state, reach) => {
    const page = await tests.open("?stored=1#evaluate", look);
    await page.waitForFunction(() => window.app.model.phase === "ready");
    await reach(page);
    const shots = process.env["CRIA_SHOTS"];
    if (shots) await page.screenshot({ path: join(shots, `${name} ${state}.png`.replaceAll(/[ ,]+/g, "-")) as `${string}.png` });
    expect(await findings(page)).toEqual([]);
    const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }));
    expect(scroll).toBeLessThanOrEqual(width);
    const inside = await page.$eval("dialog[open] .content", (content) => content.scrollWidth - content.clientWidth);
    expect(inside).toBeLessThanOrEqual(0);
    expect(page.errors).toEqual([]);
  });
});

describe("an evaluation", () => {
  it("goes on after a reload where it was, and gives the figure it would have given", async () => {
    const page = await tests.open("?stored=1&scoreMs=8#evaluate");
    await page.waitForFunction(() => window.app.model.phase === "ready");
    await pick(page, "arc_easy.jsonl");
    await press(page, "Ask SmolLM2");
    await page.waitForFunction(
      () => (window.app.evaluation?.runs[0]?.done ?? 0) > 40 || (window.app.evaluation?.results.length ?? 0) > 60,
    );
    await press(page, "Pause");
    await page.waitForSelector("dialog[open] ::-p-text(Go on)");
    const before = await page.evaluate(() => window.app.evaluation!.results.length);
    expect(before).toBeLessThan(200);
    await page.reload();
    await page.waitForFunction(() => window.app.model.phase === "ready");
    await press(page, "arc_easy");
    await press(page, "Go on");
    await done(page);
    const { results, value } = await page.evaluate(() => {
      const { results, summary } = window.app.evaluation!;
      return { results: results.map(({ index }) => index), value: summary!.estimate.value };
    });
    expect(results).toEqual(Array.from({ length: 200 }, (_, index) => index));
    await press(page, "All evaluations");
    await pick(page, "arc_easy.jsonl");
    await press(page, "Ask SmolLM2");
    await done(page);
    expect(await page.evaluate(() => window.app.evaluation!.summary!.estimate.value)).toBe(value);
  });

  it("is out of the browser once everything is deleted", async () => {
    const page = await tests.open("?stored=1#evaluate");
    await page.waitForFunction(() => window.app.model.phase === "ready");
    await STATES["a list of runs"]!(page);
    await page.evaluate(() => window.app.deleteEverything());
    await page.evaluate(() => window.app.evaluation!.refresh());
    expect(await page.evaluate(() => window.app.evaluation!.runs.length)).toBe(0);
  });
});
