// The advisor in the built app, with a real model: it measures, predicts, recommends, and tells how it turned out.
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

let server: AppServer;
let chromium: TestBrowser;
let page: Page;

beforeAll(async () => {
  server = await serveApp();
  chromium = await openChromium();
  page = await chromium.browser.newPage();
  await page.goto(server.url);
  await (await page.waitForSelector(".button.large"))!.click();
  await page.waitForSelector(".empty", { timeout: 60_000 });
});
afterAll(async () => {
  await chromium.close();
  await server.close();
});

const textOf = (selector: string): Promise<string> =>
  page.$eval(selector, (element) => (element.textContent ?? "").replace(/\s+/g, " ").trim());

describe("the advisor", () => {
  it("measures the device and recommends a model of the catalogue", async () => {
    await page.evaluate(() => (location.hash = "models"));
    await page.waitForSelector(".card .best", { timeout: 60_000 });
    expect(await textOf(".card dl")).toMatch(/[\d.]+ tokens\/s an? answer|an answer/);
    // a word of every forecast: a speed, or what is missing
    const settled = (): boolean => [...document.querySelectorAll(".forecast")].every((one) => one.textContent!.trim() !== "…");
    await page.waitForFunction(settled, { timeout: 60_000 });
    const forecasts = await page.$$eval(".forecast", (all) => all.map((one) => one.textContent!.trim()));
    expect(forecasts.length).toBeGreaterThanOrEqual(5);
    for (const forecast of forecasts) expect(forecast).toMatch(/tokens\/s|needs .* of memory/);
  });

  it("asks the network for nothing to do so", async () => {
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await (await page.waitForSelector("::-p-text(Measure again)"))!.click();
    await page.waitForFunction(() => document.querySelector<HTMLButtonElement>(".card header button")?.disabled === false);
    expect(asked.filter((url) => !url.startsWith(server.url) && !url.startsWith("blob:"))).toEqual([]);
  });

  it("shows what was predicted of a model beside what it then did", async () => {
    // loaded again: this time the device is known, and something is predicted
    await page.goto(server.url);
    await page.waitForSelector(".status .dot", { timeout: 60_000 });
    await page.type(".foot textarea", "Count from one to thirty, in words, and then tell me what photosynthesis is.");
    await page.keyboard.press("Enter");
    await page.waitForSelector('[aria-label="Answer again"]', { timeout: 90_000 });
    await page.evaluate(() => (location.hash = "models"));
    await page.waitForFunction(
      () => /Predicted [\d.]+ tokens\/s.*; measured [\d.]+ tokens\/s/.test(document.querySelector("dialog")?.textContent ?? ""),
      { timeout: 60_000 },
    );
    await (await page.waitForSelector('[aria-label^="Actions for SmolLM2 135M"]'))!.click();
    await (await page.waitForSelector("[role=menuitem] ::-p-text(Details)"))!.click();
    await page.waitForSelector("table");
    expect(await textOf("table")).toContain("Tokens a second");
    expect(await textOf("dialog .content")).toContain("30 layers of width 576");
  });
});
