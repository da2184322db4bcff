// The demonstration in the built app, and the model that comes with it through cria.js: neither needs a download or a network.
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import golden from "../golden/builtin/golden.json" with { type: "json" };
import { openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";
import { findings } from "./page/open.ts";

let app: AppServer;
let chromium: TestBrowser;
let page: Page;
let requests: string[];

beforeAll(async () => {
  app = await serveApp();
  chromium = await openChromium();
});

afterEach(() => page.browserContext().close());

afterAll(async () => {
  await chromium.close();
  await app.close();
});

/** A first visit, with motion reduced: the story appears when it is told. */
async function visit(prepare: (page: Page) => Promise<unknown> = async () => undefined, path = ""): Promise<void> {
  const context = await chromium.browser.createBrowserContext();
  page = await context.newPage();
  requests = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
  await prepare(page);
  await page.goto(app.url + path);
}

const told = (): Promise<unknown> => page.waitForSelector(".demonstration .pace strong");
const story = (): Promise<string> => page.$eval(".demonstration .page", (element) => element.textContent!);
const downloads = (): string[] => requests.filter((path) => path.endsWith(".gguf"));

describe("the demonstration", () => {
  it("tells a story on a first visit, by itself, and says what it is", async () => {
    await visit();
    await told();
    expect(await page.$eval(".demonstration .label", (element) => element.textContent)).toBe("Demonstration");
    expect(await page.$eval(".demonstration .what", (element) => element.textContent)).toContain("too small to answer questions");
    expect(await page.$eval(".demonstration .pace", (element) => element.textContent)).toMatch(
      /^[\d,]+ tokens a second on WASM /,
    );
    expect((await story()).length).toBeGreaterThan(300);
    expect(downloads()).toEqual(["/builtin/cria-builtin.gguf"]);
    expect(await page.$eval(".button.large", (element) => element.textContent)).toContain("Download SmolLM2 135M Instruct");
    expect(await findings(page)).toEqual([]);
  });

  it("tells another one on request, with the same model", async () => {
    await visit();
    await told();
    const first = await story();
    const button = await page.waitForSelector(".topics button:nth-of-type(4)");
    await button!.click();
    await page.waitForFunction(
      (before) => !document.querySelector(".demonstration .page")?.textContent?.includes(before),
      {},
      first,
    );
    await told();
    expect(await story()).not.toBe(first);
    expect(downloads()).toHaveLength(1);
  });

  it("waits for a tap where data is to be saved", async () => {
    await visit((page) =>
      page.evaluateOnNewDocument("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"),
    );
    await page.waitForSelector(".topics");
    expect(downloads()).toEqual([]);
    await page.click(".topics button");
    await told();
    expect(downloads()).toEqual(["/builtin/cria-builtin.gguf"]);
  });

  it("works without a network once it was seen in an app that is kept", async () => {
    await visit();
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.reload();
    await told();
    await page.setOfflineMode(true);
    await page.reload();
    await told();
    expect((await story()).length).toBeGreaterThan(300);
  });
});

describe.each(["wasm", "webgpu"] as const)("the built-in model by its id, on %s", (backend) => {
  it("says what llama.cpp says", async () => {
    await visit(undefined, "catalogue.json"); // the page itself would load a model as well
    // A string: vitest would rewrite the import in a function.
    const texts = await page.evaluate(`(async () => {
      const { load } = await import("${app.url}cria.js");
      const cria = await load({ model: "cria-builtin", backend: "${backend}" });
      const texts = [cria.info.backend];
      for (const { ids, greedy } of ${JSON.stringify(golden.stories)}) {
        const answer = await cria.completions.create({ prompt: ids, max_tokens: greedy.length, temperature: 0 });
        texts.push(answer.choices[0].text);
      }
      return texts;
    })()`);
    expect(texts).toEqual([backend, ...golden.stories.map(({ text }) => text)]);
  });
});
