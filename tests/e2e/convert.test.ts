// Models as they were published, in the built app: picked from the disk, converted in the tab, answering; differences by the library;
// a conversion that is killed goes on, and what comes out is a GGUF file.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Library from "../../web/api/cria.ts";
import { GOLDEN } from "../golden/models.ts";
import { utf8, type Bytes } from "../golden/publish/bytes.ts";
import { easyLmStream } from "../golden/publish/easylm.ts";
import { asEasyLm, asHuggingFace, asMeta, CONFIG, PARAMS, stories } from "../golden/publish/llama.ts";
import { safetensors } from "../golden/publish/safetensors.ts";
import { torchLegacy, torchZip } from "../golden/publish/torch.ts";
import { sentencePieceModel } from "../golden/publish/vocabulary.ts";
import type { StateDict } from "../golden/publish/weights.ts";
import { listen, openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

/** How the model begins its only kind of story, greedily, whatever form its weights came in. */
const STORY = /^Once upon a time, there was a little girl named Lily\. She loved to play outside/;

type Files = Readonly<Record<string, Bytes>>;

describe.skipIf(GOLDEN === null)("a model as it was published", async () => {
  let app: AppServer;
  let host: AppServer;
  let chromium: TestBrowser;
  let page: Page;
  const folder = mkdtempSync(join(tmpdir(), "cria-convert-"));
  const { gguf, vocabulary } = GOLDEN ? await stories() : { gguf: new Map(), vocabulary: { tokens: [], scores: [], types: [] } };
  const text = { "tokenizer.model": sentencePieceModel(vocabulary) };
  const [config, params] = [{ "config.json": json(CONFIG) }, { "params.json": json(PARAMS) }];
  const meta: Files = { "consolidated.00.pth": torchZip(asMeta(gguf), { type: "F16" }), ...params, ...text };
  const hugging: Files = { "model.safetensors": safetensors(asHuggingFace(gguf), "F16"), ...config, ...text };
  const FORMS: Record<string, Files> = {
    meta,
    hugging,
    old: { "pytorch_model.bin": torchLegacy(asHuggingFace(gguf), { type: "BF16" }), ...config, ...text },
    koala: { koala_diff: easyLmStream(asEasyLm(halved(gguf, 2)), "F32"), ...params, ...text },
    vicuna: { "pytorch_model.bin": torchZip(asHuggingFace(halved(gguf, 2)), { type: "F16" }), ...config, ...text },
    alpaca: { "pytorch_model.bin": torchZip(asHuggingFace(halved(gguf, 2))), ...config, ...text },
    half: { "consolidated.00.pth": torchZip(asMeta(halved(gguf, 2))), ...params, ...text },
  };

  beforeAll(async () => {
    mkdirSync(join(folder, "tiny-stories"));
    for (const [name, bytes] of Object.entries(hugging)) writeFileSync(join(folder, "tiny-stories", name), bytes);
    host = await listen(
      createServer((request, response) => {
        const [, form = "", name = ""] = (request.url ?? "").split("/");
        const bytes = FORMS[form]?.[name] ?? new Uint8Array();
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
        response.setHeader("Access-Control-Allow-Origin", "*").setHeader("Access-Control-Allow-Headers", "Range");
        response.setHeader("Access-Control-Expose-Headers", "Content-Range");
        if (from === undefined || to === undefined) return void response.end(request.method === "OPTIONS" ? undefined : bytes);
        response.writeHead(206, { "Content-Range": `bytes ${from}-${to}/${bytes.length}` });
        response.end(bytes.subarray(Number(from), Number(to) + 1));
      }),
    );
    app = await serveApp();
    chromium = await openChromium();
    page = await chromium.browser.newPage();
    await page.goto(app.url);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  });
  afterAll(async () => {
    await chromium.close();
    await Promise.all([app.close(), host.close()]);
    rmSync(folder, { recursive: true });
  });

  it("is picked, shown, converted, and answers", async () => {
    await page.goto(`${app.url}#models`);
    const [chooser] = await Promise.all([page.waitForFileChooser(), press("Choose its files")]);
    await chooser.accept(Object.keys(hugging).map((name) => join(folder, "tiny-stories", name)));
    await page.waitForSelector(".plan");
    const plan = await page.$eval(".plan", (element) => element.textContent!.replace(/\s+/g, " "));
    expect(plan).toContain("Hugging Face's safetensors");
    expect(plan).toContain("5 layers");
    await page.select(".plan select", "F16");
    await page.$$eval(".plan select", (all) => {
      const last = all.at(-1)!;
      last.value = "llama";
      last.dispatchEvent(new Event("change", { bubbles: true }));
    });
    await press("Convert");
    await page.waitForSelector("[aria-labelledby=convert-title] [role=status] button");
    await page.click("[aria-labelledby=convert-title] [role=status] button");
    await page.waitForSelector(".foot textarea");
    await page.type(".foot textarea", "Once upon a time");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => (document.querySelector(".answer-text")?.textContent ?? "").length > 20);
  });

  it("streams its story from the addresses of Meta's files", async () => {
    const request = { files: urls("meta"), base: null, recipe: null, name: "addresses", target: "F16" };
    expect(await story(page, request, false)).toMatch(STORY);
  });

  it.each<[string, string, string | null, string | null]>([
    ["an old PyTorch file", "old", null, null],
    ["Koala's stream on Meta's file", "koala", "half", "koala"],
    ["Vicuna's difference on Meta's file", "vicuna", "half", "vicuna-v1.1"],
    ["Alpaca's difference on Meta's file", "alpaca", "half", "alpaca"],
  ])("streams its story from %s", async (name, form, base, recipe) => {
    const request = { files: urls(form), base: base === null ? null : urls(base), recipe, name: form, target: "F16" };
    expect(await story(page, request), name).toMatch(STORY);
  });

  it("goes on after the tab was killed, and comes out as a GGUF file", async () => {
    const request = { files: urls("meta"), base: null, recipe: null, name: "killed", target: "Q8_0" };
    const broken = await chromium.browser.newPage();
    await broken.goto(app.url);
    await haveLibrary(broken);
    await broken.evaluate(async (given) => {
      const files = (await window.convertTest.files(given.files)) ?? [];
      void window.convertTest.library.convertCheckpoint({ ...given, files, base: null });
    }, request);
    await broken.close();
    expect(await story(page, request)).toMatch(/^Once upon a time, there was/);
    const start = await page.evaluate(async (given) => {
      const { library, files } = window.convertTest;
      const { model } = await library.convertCheckpoint({ ...given, files: (await files(given.files)) ?? [], base: null });
      return [model.name, model.complete] as const;
    }, request);
    expect(start).toEqual(["killed.Q8_0.gguf", true]);
  });

  function urls(form: string): string[] {
    return Object.keys(FORMS[form]!).map((name) => `${host.url}${form}/${name}`);
  }

  async function press(label: string): Promise<void> {
    await (await page.waitForSelector(`::-p-xpath(//button[normalize-space(.)="${label}"])`))!.click();
  }

  /** Converts, loads, and streams what the model says after its start token. */
  async function story(on: Page, request: Request, asFiles = true): Promise<string> {
    await haveLibrary(on);
    return on.evaluate(
      async (given, asFiles) => {
        const { library, files } = window.convertTest;
        const [own, base] = asFiles ? [await files(given.files), await files(given.base)] : [given.files, given.base];
        const { model } = await library.convertCheckpoint({ ...given, files: own ?? [], base });
        const cria = await library.load({ model: model.id, backend: "wasm" });
        let said = "Once upon a time";
        const pieces = await cria.completions.create({ prompt: said, max_tokens: 40, temperature: 0, stream: true });
        for await (const piece of pieces) said += piece.choices[0].text;
        await cria.unload();
        return said;
      },
      request,
      asFiles,
    );
  }

  /** Puts the library into the page, and a way to have files without picking them. As text: the test's compiler leaves it alone. */
  async function haveLibrary(on: Page): Promise<void> {
    // The app's own page may fetch from its own site alone.
    await on.goto(`${app.url}catalogue.json`);
    await on.evaluate(`(async () => {
      const library = await import(${JSON.stringify(`${app.url}cria.js`)});
      const one = async (url) => new File([await (await fetch(url)).arrayBuffer()], url.split("/").at(-1), { lastModified: 1 });
      window.convertTest = { library, files: (urls) => urls && Promise.all(urls.map(one)) };
    })()`);
  }
});

interface Request {
  readonly files: string[];
  readonly base: string[] | null;
  readonly recipe: string | null;
  readonly name: string;
  readonly target: string;
}

declare const window: Window & {
  readonly convertTest: { readonly library: typeof Library; readonly files: (urls: string[] | null) => Promise<File[]> | null };
};

/** Every weight divided: half of a model and its other half add up to it. */
function halved(gguf: StateDict, by: number): StateDict {
  return new Map([...gguf].map(([name, { extents, values }]) => [name, { extents, values: values.map((value) => value / by) }]));
}

function json(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}
