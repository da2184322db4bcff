// Adapters in the page: with a double for an engine, in every look; and in the built app, from files as they were published to a streamed
// answer, kept over a reload, merged.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type * as Library from "../../web/api/cria.ts";
import { GOLDEN } from "../golden/models.ts";
import { listen, openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";
import { findings, NARROW, PageTests, WIDE, type Look } from "./page/open.ts";

const SECTION = "[aria-labelledby=adapters-title]";

/** Gives files to the picker that a button opens. */
async function pick(page: Page, paths: readonly string[]): Promise<void> {
  const button = await page.waitForSelector(`${SECTION} ::-p-text(Choose an adapter’s files)`);
  const [chooser] = await Promise.all([page.waitForFileChooser(), button!.click()]);
  await chooser.accept([...paths]);
}

describe("the adapters of a model, with a double for an engine", () => {
  let tests: PageTests;
  const folder = mkdtempSync(join(tmpdir(), "cria-adapters-"));
  const file = (name: string): string => {
    writeFileSync(join(folder, name), "weights");
    return join(folder, name);
  };
  beforeAll(async () => {
    tests = await PageTests.start();
  });
  afterEach(() => tests.closePages());
  afterAll(async () => {
    await tests.stop();
    rmSync(folder, { recursive: true });
  });

  async function manager(look: Look = WIDE): Promise<Page & { errors: string[] }> {
    const page = await tests.open("?stored=1#models", look);
    await page.waitForSelector(`${SECTION} form`);
    return page;
  }

  const STATES: Record<string, (page: Page) => Promise<void>> = {
    none: async () => undefined,
    "two in use": async (page) => {
      await pick(page, [file("lora.gguf")]);
      await page.waitForSelector(`${SECTION} li`);
      await pick(page, [file("prompt.pth")]);
      await page.waitForSelector(`${SECTION} li + li fieldset`);
    },
    "one to be merged": async (page) => {
      await pick(page, [file("tuning.pth")]);
      await page.waitForSelector(`${SECTION} ::-p-text(Merge into a copy)`);
    },
    "one for another model": async (page) => {
      await pick(page, [file("other.gguf")]);
      await page.waitForSelector(`${SECTION} [role=alert]`);
    },
  };

  describe.each<[string, Look]>([
    ["wide and light", WIDE],
    ["wide and dark", { ...WIDE, scheme: "dark" }],
    ["320 px and light", { ...NARROW, scheme: "light" }],
    ["320 px and dark", NARROW],
  ])("%s", (name, look) => {
    it.each(Object.entries(STATES))("%s: axe finds nothing, nothing sticks out, nothing breaks", async (state, reach) => {
      const page = await manager(look);
      await reach(page);
      const section = await page.$(SECTION);
      await section!.scrollIntoView();
      const shots = process.env["CRIA_SHOTS"];
      if (shots)
        await page.screenshot({
          path: join(shots, `${name} adapters ${state}.png`.replaceAll(/[ ,]+/g, "-")) as `${string}.png`,
        });
      expect(await findings(page)).toEqual([]);
      const inside = await page.$eval("dialog[open] .content", (content) => content.scrollWidth - content.clientWidth);
      expect(inside).toBeLessThanOrEqual(0);
      expect(page.errors).toEqual([]);
    });
  });

  it("are switched, made stronger and read in another way by keyboard alone, and stay so over a reload", async () => {
    const page = await manager();
    await pick(page, [file("prompt.pth")]);
    await page.waitForSelector(`${SECTION} li fieldset`);
    await page.focus(`${SECTION} input[type=range]`);
    for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
    await page.focus(`${SECTION} fieldset input:checked`);
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => window.app.adapters.infos[0]?.gate === "tanh");
    await page.focus(`${SECTION} [role=switch]`);
    await page.keyboard.press("Space");
    await page.waitForFunction(() => window.app.adapters.kept[0]?.on === false);
    await page.waitForFunction(isStoredSwitchedOff); // a reload at once would come before that
    await page.reload();
    await page.waitForSelector(`${SECTION} li`);
    await page.waitForFunction(() => window.app.adapters.infos.length === 1);
    const kept = await page.evaluate(() => window.app.adapters.kept.map(({ on, scale, gate }) => ({ on, scale, gate })));
    expect(kept).toEqual([{ on: false, scale: 1.2, gate: "tanh" }]);
    await page.focus('[aria-label="Actions for prompt"]');
    await page.keyboard.press("Enter");
    await page.waitForSelector("[role=menuitem]:focus ::-p-text(Remove)");
    await page.keyboard.press("Enter");
    await page.waitForFunction((section) => document.querySelector(`${section} li`) === null, {}, SECTION);
  });
});

/** Runs in the page. */
function isStoredSwitchedOff(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("cria-adapters");
    opening.onerror = () => reject(new Error("cria-adapters could not be opened"));
    opening.onsuccess = () => {
      const reading = opening.result.transaction("adapters").objectStore("adapters").getAll();
      reading.onsuccess = () => {
        opening.result.close();
        resolve(reading.result.every(({ on }: { on: boolean }) => !on));
      };
    };
  });
}

describe.skipIf(GOLDEN === null)("an adapter as it was published, in the app", () => {
  const FILES = [
    "stories260K.f32.gguf",
    "stories260K.lora.f32.gguf",
    "lora-peft/adapter_config.json",
    "lora-peft/adapter_model.safetensors",
    "lora-peft/adapter_model.bin",
    "llama_adapter_len10_layer3.pth",
    "chat_bias_scale_norm.pth",
  ];
  let app: AppServer;
  let host: AppServer;
  let chromium: TestBrowser;
  let page: Page;

  beforeAll(async () => {
    host = await listen(
      createServer((request, response) => {
        const path = FILES.find((file) => request.url === `/${file}`);
        response.setHeader("Access-Control-Allow-Origin", "*").setHeader("Access-Control-Allow-Headers", "Range");
        response.setHeader("Access-Control-Expose-Headers", "Content-Range");
        if (request.method === "OPTIONS") return void response.end();
        if (path === undefined) return void response.writeHead(404).end();
        const bytes = readFileSync(join(GOLDEN!, path));
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
        if (from === undefined || to === undefined) return void response.end(bytes);
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
  });

  it.each(["wasm", "webgpu"] as const)(
    "streams with it and without it on %s, from any of its forms, and merged",
    async (backend) => {
      await page.evaluate(`import(${JSON.stringify(`${app.url}cria.js`)}).then((library) => (window.adapterTest = library))`);
      const told = await page.evaluate(
        async (url, backend) => {
          const library = window.adapterTest;
          const at = (path: string): string => `${url}${path}`;
          const model = at("stories260K.f32.gguf");
          const cria = await library.load({ model, backend, contextLength: 128 });
          const story = async (on: typeof cria, adapters: { id: string; scale?: number }[]): Promise<string> => {
            const request = { prompt: "Once upon a time", max_tokens: 24, temperature: 0, adapters, stream: true } as const;
            let said = "";
            for await (const piece of await on.completions.create(request)) said += piece.choices[0].text;
            return said;
          };
          const plain = await story(cria, []);
          const forms: Record<string, string> = {};
          for (const [form, files] of Object.entries({
            safetensors: [at("lora-peft/adapter_config.json"), at("lora-peft/adapter_model.safetensors")],
            alone: at("lora-peft/adapter_model.bin"),
            gguf: at("stories260K.lora.f32.gguf"),
          })) {
            const { id } = await cria.adapters.load(files, { id: form });
            forms[form] = await story(cria, [{ id }]);
          }
          const gates: string[] = [];
          for (const gate of ["raw", "tanh"] as const) {
            const { id } = await cria.adapters.load(at("llama_adapter_len10_layer3.pth"), { gate });
            gates.push(await story(cria, [{ id, scale: 2 }]));
          }
          const loaded = (await cria.adapters.list()).map(({ id }) => id);
          const tuning = await cria.adapters.load(at("chat_bias_scale_norm.pth")).catch((error: Error) => error.message);
          const merge = { base: [model], recipe: "adapter", name: "merged", target: "F32" } as const;
          const { model: merged } = await library.convertCheckpoint({ ...merge, files: [at("stories260K.lora.f32.gguf")] });
          const { model: tuned } = await library.convertCheckpoint({
            ...merge,
            name: "tuned",
            files: [at("chat_bias_scale_norm.pth")],
          });
          const after = await story(cria, []);
          await cria.unload();
          const whole: string[] = [];
          for (const id of [merged.id, tuned.id]) {
            const other = await library.load({ model: id, backend, contextLength: 128 });
            whole.push(await story(other, []));
            await other.unload();
          }
          return { plain, forms, gates, loaded, tuning, after, merged: whole[0]!, tuned: whole[1]! };
        },
        host.url,
        backend,
      );
      const [story] = Object.values(told.forms);
      expect(told.plain).toMatch(/^, there was a little girl/);
      expect(told.after).toBe(told.plain);
      expect(story).not.toBe(told.plain);
      expect(Object.values(told.forms)).toEqual([story, story, story]);
      expect(told.merged).toBe(story);
      expect(told.gates[0]).not.toBe(told.plain);
      expect(told.gates[1]).not.toBe(told.gates[0]);
      expect(told.loaded).toEqual(["safetensors", "alone", "gguf", "llama_adapter_len10_layer3"]);
      expect(told.tuning).toContain("merged into the model");
      expect([told.plain, story]).not.toContain(told.tuned);
    },
  );

  it("is added in the page, answers, and is there after a reload", async () => {
    await page.evaluate(
      (model) => localStorage.setItem("cria-preferences", JSON.stringify({ model, backend: "wasm" })),
      `${host.url}stories260K.f32.gguf`,
    );
    await page.goto(`${app.url}#models`);
    await page.reload();
    await page.waitForSelector(`${SECTION} form`);
    await page.type(`${SECTION} form input`, `${host.url}lora-peft/adapter_model.safetensors`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${SECTION} li`);
    const facts = (): Promise<string> => page.$eval(`${SECTION} li .facts`, (element) => element.textContent!);
    expect(await facts()).toContain("PEFT’s LoRA, safetensors · rank 8 · 5 layers · 7 of 7 weights");
    await page.reload();
    await page.waitForFunction(
      (section) => /rank 8/.test(document.querySelector(`${section} li .facts`)?.textContent ?? ""),
      {},
      SECTION,
    );
    await page.keyboard.press("Escape");
    await page.waitForSelector(".foot textarea");
    await page.type(".foot textarea", "Once upon a time");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => (document.querySelector(".answer-text")?.textContent ?? "").length > 20);
  });
});

declare const window: Window & { readonly app: import("../../web/state/app.svelte.ts").App; adapterTest: typeof Library };
