// The snippets for scripts, run as they stand: cria.js and the Prompt API in another site's page, OpenAI's clients in a page of Cria's.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { obtainModel } from "../../../web/cli/model.ts";
import { openChromium, type TestBrowser } from "../browser.ts";
import { serveCria, serveHost, type Site } from "../embed/site.ts";
import { EXAMPLE, snippet } from "../embed/snippets.ts";

let chromium: TestBrowser;
let cria: Site;
const files: Record<string, string> = {};
const hosts: Site[] = [];

beforeAll(async () => {
  await obtainModel();
  cria = await serveCria({ files });
  chromium = await openChromium();
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});
afterAll(async () => {
  await chromium.close();
  await cria.close();
});

const here = (name: string): string => snippet(name).replaceAll(EXAMPLE, cria.url);

/** What a page logs until the words are among it. */
async function logged(page: Page, url: string, words: RegExp): Promise<string[]> {
  const lines: string[] = [];
  const errors: string[] = [];
  page.on("console", (message) => void (message.type() === "log" && lines.push(message.text())));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  for (let tries = 0; tries < 600 && !words.test(lines.join("\n")) && errors.length === 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(errors).toEqual([]);
  return lines;
}

describe("in another site's page", () => {
  async function run(name: string, words: RegExp, before = ""): Promise<string[]> {
    const html = `<!doctype html><title>Elsewhere</title><script>${before}</script><script type="module">${here(name)}</script>`;
    const host = await serveHost({ "/": html });
    hosts.push(host);
    const context = await chromium.browser.createBrowserContext();
    const lines = await logged(await context.newPage(), host.url, words);
    await context.close();
    return lines;
  }

  it("cria.js answers and embeds", async () => {
    const lines = await run("library", /vectors/);
    expect(lines).toContain("header");
    expect(lines.slice(-2)).toEqual(["The capital of France is Paris.", "2 vectors"]);
  });

  it("the Prompt API answers", async () => {
    const [answer, word] = await run("prompt-api", /\nyes|\nno/, "globalThis.LanguageModel = undefined");
    expect(answer).toContain("Paris");
    expect(["yes", "no"]).toContain(word);
  });
});

describe("in a page of Cria's origin", () => {
  beforeAll(async () => {
    const app = await chromium.browser.newPage();
    await app.goto(cria.url); // it brings the service worker
    await app.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await app.close();
    files["/load.html"] = '<!doctype html><title>Loads</title><script type="module" src="./load.js"></script>';
    files["/load.js"] =
      'import { load } from "./cria.js"; await load({ model: "smollm2-135m-instruct", backend: "wasm" }); console.log("loaded");';
    expect((await logged(await chromium.browser.newPage(), `${cria.url}load.html`, /loaded/)).at(-1)).toBe("loaded");
  });

  it.each([
    ["openai", "The capital of France is Paris."],
    ["ai-sdk", "Paris"],
  ])("%s", async (name, answer) => {
    // inside the project, so that its packages are found
    const cache = join(import.meta.dirname, "../../../.cache");
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, "snippet-"));
    try {
      const input = join(folder, "main.js");
      writeFileSync(input, here(name));
      const output = { format: "es" as const, codeSplitting: false };
      const result = await build({
        configFile: false,
        logLevel: "warn",
        build: { write: false, target: "es2023", rollupOptions: { input, output } },
      });
      if (!("output" in result)) throw new Error("The snippet did not build into one file.");
      files[`/${name}.html`] = `<!doctype html><title>A tool</title><script type="module" src="./${name}.js"></script>`;
      files[`/${name}.js`] = result.output[0].code;
      const page = await chromium.browser.newPage();
      expect(await logged(page, `${cria.url}${name}.html`, /Paris/)).toEqual([answer]);
      await page.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
