// The built app with a real model in Chromium, as a person uses it: first visit, talk, reload, and every bad file one can come by.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obtainModel } from "../../web/cli/model.ts";
import { f32, ggufBytes, text, u32 } from "../golden/gguf-writer.ts";
import { listen, openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

let app: AppServer;
let chromium: TestBrowser;
let page: Page;
let model: string;
const requests: string[] = [];

beforeAll(async () => {
  model = (await obtainModel())!;
  app = await serveApp();
  chromium = await openChromium();
  page = await chromium.browser.newPage();
  page.on("request", (request) => requests.push(request.url()));
  await page.setViewport({ width: 1100, height: 760 });
  await page.goto(app.url);
});

afterAll(async () => {
  await chromium.close();
  await app.close();
});

const textOf = (selector: string): Promise<string> =>
  page.$eval(selector, (element) => element.textContent!.replace(/\s+/g, " ").trim());

/** Asks, and gives the answer as it stands when nothing is being written any more. */
async function ask(question: string): Promise<string> {
  await page.waitForSelector(".foot textarea");
  await page.type(".foot textarea", question);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[aria-label="Stop"]');
  await finished();
  return page.$$eval(".answer-text", (all) => all.at(-1)!.textContent!.trim());
}

function finished(): Promise<unknown> {
  return page.waitForSelector('[aria-label="Send"]');
}

describe("a first visit", () => {
  it("names the model and its size, and downloads nothing before the tap", async () => {
    const button = await page.waitForSelector(".button.large");
    expect(await button!.evaluate((element) => element.textContent!.trim())).toBe("Download SmolLM2 135M Instruct · 98 MB");
    expect(await textOf(".welcome")).toContain("about");
    // The demonstration's 3 MB are a part of the app.
    expect(requests.filter((url) => url.includes(".gguf") && !url.includes("/builtin/"))).toEqual([]);
  });

  it("shows how the download goes, then where the model runs", async () => {
    await page.click(".button.large");
    await page.waitForSelector("[role=progressbar]");
    await page.waitForSelector(".status .dot");
    expect(await textOf(".status")).toMatch(/^(WASM|WebGPU) \S+/);
    expect(await textOf(".status")).toContain("0 / 8,192");
  });

  it("answers with the defaults that the page sets", async () => {
    expect(await ask("What is the capital of France?")).toBe("The capital of France is Paris.");
    expect(await textOf(".status")).toMatch(/\d tokens\/s/);
    expect(await textOf(".answer .facts")).toMatch(/^\d+ tokens · [\d.]+\/s$/);
  });

  it("stops on Esc and keeps what was said", async () => {
    await page.type(".foot textarea", "Write a very long story about a llama.");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => [...document.querySelectorAll(".answer-text")].at(-1)!.textContent!.length > 60);
    await page.keyboard.press("Escape");
    await finished();
    const stopped = await page.$$eval(".answer-text", (all) => all.at(-1)!.textContent!.length);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await page.$$eval(".answer-text", (all) => all.at(-1)!.textContent!.length)).toBe(stopped);
    expect(await page.$$eval(".answer .ending", (all) => all.at(-1)!.textContent)).toBe("Stopped.");
  });
});

describe("a reload", () => {
  it("loads the stored model without a tap and shows the same conversation", async () => {
    await page.reload();
    await page.waitForSelector(".status .dot");
    expect(await page.$$eval(".question .bubble", (all) => all.map((bubble) => bubble.textContent))).toEqual([
      "What is the capital of France?",
      "Write a very long story about a llama.",
    ]);
    expect(await page.title()).toBe("What is the capital of France? – Cria");
  });

  it("has the first question edited and answered from there, with the other version a step away", async () => {
    await page.hover(".question");
    await page.click('[aria-label="Edit question"]');
    await page.keyboard.down("Control");
    await page.keyboard.press("a");
    await page.keyboard.up("Control");
    await page.keyboard.type("Name the capital of France.");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll(".question").length === 1);
    await finished();
    await page.waitForFunction(() => document.querySelector(".answer-text")?.textContent?.includes("Paris"));
    await page.click('[aria-label="Previous version"]');
    await page.waitForFunction(() => document.querySelectorAll(".question").length === 2);
  });
});

describe("a model that can't be used", () => {
  const folder = mkdtempSync(join(tmpdir(), "cria-bad-"));
  let host: AppServer;

  beforeAll(async () => {
    const bytes = readFileSync(model);
    const header = { "general.architecture": text("llama"), "llama.block_count": u32(1) };
    const tensor = { name: "token_embd.weight", type: "F32", extents: [4, 2], bytes: () => new Uint8Array(32) } as const;
    const unknown = ggufBytes({
      metadata: { ...header, "llama.attention.layer_norm_rms_epsilon": f32(1e-5) },
      tensors: [tensor],
    });
    const at = Buffer.from(unknown).indexOf(tensor.name) + tensor.name.length + 4 + 2 * 8; // name, number of extents, extents, type
    new DataView(unknown.buffer).setUint32(at, 99, true);
    writeFileSync(join(folder, "truncated.gguf"), bytes.subarray(0, 20_000_000));
    writeFileSync(join(folder, "text.gguf"), "Once upon a time there was a file that was no model.");
    writeFileSync(
      join(folder, "gpt2.gguf"),
      ggufBytes({ metadata: { "general.architecture": text("gpt2") }, tensors: [tensor] }),
    );
    writeFileSync(join(folder, "type99.gguf"), unknown);
    // A host that shares its files with every page, but knows no ranges, has one behind a login, and one it shares with nobody.
    host = await listen(
      createServer((request, response) => {
        if (!request.url?.includes("private")) response.setHeader("Access-Control-Allow-Origin", "*");
        if (request.url?.includes("login")) response.writeHead(401).end();
        else if (/whole|private/.test(request.url ?? "")) response.setHeader("Content-Length", bytes.length).end(bytes);
        else response.writeHead(404).end();
      }),
    );
  });
  afterAll(async () => {
    await host.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ["truncated.gguf", "This file is cut short", /bytes/],
    ["text.gguf", "This is not a GGUF model", /GGUF/],
    ["gpt2.gguf", "A model of another family", /gpt2/],
    ["type99.gguf", "Packed in a way Cria can't read", /99/],
  ])("%s from the disk: “%s”", async (file, title, detail) => {
    await openModels();
    const [chooser] = await Promise.all([page.waitForFileChooser(), page.click("dialog ::-p-text(Open a GGUF file)")]);
    await chooser.accept([join(folder, file)]);
    await expectTrouble(title, detail);
  });

  it.each([
    ["missing.gguf", "There is no model at that address", /404|no file|found/i],
    ["whole.gguf", "That server can't send a file in pieces", /range|piece/i],
    ["login.gguf", "That address asks for a login", /401|login|sign/i],
    ["private.gguf", "That site doesn't share its files", /CORS|other|page|share/i],
  ])("%s from an address: “%s”", async (file, title, detail) => {
    await openModels();
    await page.click("#model-address", { count: 3 }); // what is typed replaces what was
    await page.type("#model-address", `${host.url}${file}`);
    await page.keyboard.press("Enter");
    const found = (wanted: string): boolean => document.querySelector(".found[role=alert] strong")?.textContent === wanted;
    await page.waitForFunction(found, {}, title);
    expect(await textOf(".found[role=alert] p")).toMatch(detail);
  });

  it("and then the usual model answers again, in the conversation that was there all along", async () => {
    await openModels();
    await page.click("dialog li .button");
    await page.waitForSelector(".status .dot");
    expect(await page.$$eval(".question", (all) => all.length)).toBe(2);
    expect(await ask("Name the capital of France.")).toContain("Paris");
  });

  async function openModels(): Promise<void> {
    await page.evaluate(() => (location.hash = "models"));
    await page.waitForSelector("dialog[open] li .button");
  }

  async function expectTrouble(title: string, detail: RegExp): Promise<void> {
    await page.waitForFunction((wanted) => document.querySelector("[role=alert] h2")?.textContent === wanted, {}, title);
    expect(await textOf("[role=alert]")).toMatch(detail);
    expect(await page.$$eval("[role=alert] p", (all) => all.length)).toBe(2); // what happened, and what to do next
    expect(await page.$$eval("[role=alert] .button", (all) => all.length)).toBeGreaterThan(0);
    expect(await page.$$eval(".question", (all) => all.length)).toBe(2);
  }
});

declare const countRecords: () => Promise<number>;
/** Defines `countRecords` in the page: the records of all stores of all databases. A string: the compiler's helpers are not there. */
const COUNT_RECORDS = `globalThis.countRecords = async () => {
  const result = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  let records = 0;
  for (const { name } of await indexedDB.databases()) {
    const database = await result(indexedDB.open(name));
    for (const store of database.objectStoreNames) records += await result(database.transaction(store).objectStore(store).count());
    database.close();
  }
  return records;
}`;

describe("Delete everything", () => {
  it("leaves no database, setting, cache or service worker, and starts anew", async () => {
    await page.evaluate(() => (location.hash = "models"));
    await (await page.waitForSelector("button.danger"))!.click();
    await (await page.waitForSelector("dialog[aria-describedby] button.primary"))!.click();
    await page.waitForSelector("dialog ::-p-text(Everything is deleted)");
    await page.evaluate(COUNT_RECORDS);
    const left = await page.evaluate(async () => ({
      local: localStorage.length,
      caches: await caches.keys(),
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      records: await countRecords(),
    }));
    expect(left).toEqual({ local: 0, caches: [], workers: 0, records: 0 });
    await page.click("dialog ::-p-text(Start anew)");
    await page.waitForSelector(".button.large");
    expect(await textOf("nav[aria-label=Conversations]")).toContain("kept here, on this device");
  });
});

describe("the network", () => {
  it("was asked for nothing but the app, the model, and the addresses that were typed", () => {
    const own = requests.filter(
      (url) => !url.startsWith(app.url) && !/^(data|blob):/.test(url) && !/\/(missing|whole|login|private)\.gguf$/.test(url),
    );
    expect(own).toEqual([]);
  });
});
