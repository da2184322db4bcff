// What a person's machine has to bear: a 7B model in a tab, another program beside it, a tab that is left open, and one that is out of sight.
//
//   npx tsx tests/bench/endurance.ts [large] [neighbour] [idle] [--large 7b-q4_0] [--neighbour 135m-q4_1,1.1b-q4_0] [--rounds 5]
//     [--profile DIR] [--download] [--json FILE]
//
// Drives the build in dist/ (or CRIA_DIST) in headless Chromium on WASM and prints one record a line; --json writes them as an array too.
// large: a model of synthetic weights is downloaded into the store, loaded from there, and continues a text on all threads, then on one,
//   in a page without shared memory; the peak of the renderer's resident set is given less that of the empty page. With --profile the store is
//   kept, and --download stops once it is filled, so that the figures can be taken by a later run alone.
// neighbour: decoding alone, beside `node -e "for(;;);"`, alone again, so many rounds; the bar is half the speed.
// idle: processor time of the page for 20 s after an answer; then a tab is hidden in mid-answer, and left idle.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import puppeteer, { type Page } from "puppeteer-core";
import type * as Library from "../../web/api/cria.ts";
import { findBrowser } from "../../web/cli/browsers.ts";
import { obtainModel } from "../../web/cli/model.ts";
import { type AppServer, serveApp } from "../e2e/browser.ts";
import { BenchBrowser } from "./browser.ts";
import { type Contestant, inPage } from "./contestants.ts";
import type { Loaded, Prompt } from "./engines/engine.ts";
import { describeMachine } from "./machine.ts";
import { largestProcess, peakMemory, processorMs } from "./memory.ts";
import { type BenchModel, openModel } from "./models.ts";
import { type BenchRecord, spread, type WorkName } from "./records.ts";
import { serveBench } from "./server.ts";
import { machineLines } from "./table.ts";

declare global {
  interface Window {
    /** Pieces of an answer that have come. */
    written: number;
    /** No more of them are wanted. */
    enough?: boolean;
  }
}

const CONTEXT = 512;
const IDLE_S = 20;
/** What is stored belongs to a port: a kept profile needs the same one again. */
const PORT = 41739;
/** Ordinary tokens of every vocabulary here; no engine knows what they mean with random weights. */
const PROMPT: Prompt = { ids: Array.from({ length: 16 }, (_, i) => 300 + 7 * i), text: "" };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    large: { type: "string", default: "7b-q4_0" },
    neighbour: { type: "string", default: "135m-q4_1,1.1b-q4_0" },
    rounds: { type: "string", default: "5" },
    profile: { type: "string" },
    download: { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const wanted = positionals.length > 0 ? positionals : ["large", "neighbour", "idle"];
const rounds = Number(options.rounds);
const records: BenchRecord[] = [];

console.log(machineLines(describeMachine("headless Chromium", null)));
if (wanted.includes("large")) await large(await openModel(options.large));
if (wanted.includes("neighbour")) for (const name of options.neighbour.split(",")) await neighbour(await openModel(name));
if (wanted.includes("idle")) await idle();
if (options.json) writeFileSync(options.json, `${JSON.stringify(records, null, 1)}\n`);
process.exit(0);

/** A model as large as most memories, with all threads and with one. */
async function large(model: BenchModel): Promise<void> {
  for (const isolated of [true, false]) {
    const server = await serveBench(() => model.path, { isolated, ...(options.profile && { port: PORT }) });
    const browser = new BenchBrowser(server.url, options.profile ?? null);
    try {
      if (options.download || !options.profile) {
        // In a process of its own, which holds nothing when the figures are taken.
        const download = await inPage(await browser.page(isolated), "Cria").load(setupOf(model));
        record(model, "download", "ms", [download.milliseconds], download.value);
        await browser.quit();
        if (options.download) return;
      }

      const page = await browser.page(isolated);
      const empty = await peakOf(browser);
      const engine = inPage(page, "Cria");
      const loaded = await engine.load(setupOf(model));
      record(model, "load", "ms", [loaded.milliseconds], loaded.value);
      await decodeRate(engine, 4); // the prompt is read
      const rates: number[] = [];
      for (let round = 0; round < rounds; round++) rates.push(await decodeRate(engine, 12));
      const now = loaded.value;
      record(model, "decode", "tokens/s", rates, now);
      record(model, "memory", "MiB", [((await peakOf(browser)) - empty) / 2 ** 20], now);
    } finally {
      await browser.close();
      await server.close();
    }
  }
}

/** How much of its speed decoding keeps beside a process that never waits. */
async function neighbour(model: BenchModel): Promise<void> {
  const server = await serveBench(() => model.path);
  const browser = new BenchBrowser(server.url);
  const tokens = model.parameters < 500e6 ? 256 : 48;
  try {
    const engine = inPage(await browser.page(), "Cria");
    const { value } = await engine.load(setupOf(model));
    await decodeRate(engine, tokens);
    const alone: number[] = [];
    const beside: number[] = [];
    const kept: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = await decodeRate(engine, tokens);
      const busy = spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" });
      await sleep(300); // until it runs
      const during = await decodeRate(engine, tokens).finally(() => busy.kill("SIGKILL"));
      await sleep(300);
      const after = await decodeRate(engine, tokens);
      alone.push(before, after);
      beside.push(during);
      kept.push((200 * during) / (before + after));
    }
    record(model, "decode", "tokens/s", alone, value);
    record(model, "decode beside a busy process", "tokens/s", beside, value);
    record(model, "speed kept beside it", "%", kept, value);
  } finally {
    await browser.close();
    await server.close();
  }
}

/** What the app costs when it has nothing to do, in sight and out of it, and whether it goes on writing out of sight. */
async function idle(): Promise<void> {
  const path = await obtainModel();
  if (path === null) throw new Error("SmolLM2-135M-Instruct could not be obtained.");
  const model = await openModel("135m-q4_1");
  const app: AppServer = await serveApp();
  // As a person starts it: none of the flags with which tests keep hidden tabs awake.
  const browser = await puppeteer.launch({
    executablePath: findBrowser("chromium"),
    headless: true,
    args: ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
    ignoreDefaultArgs: [
      "--disable-background-timer-throttling",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
    ],
    protocolTimeout: 0,
  });
  /** Per cent of a core that the page's process uses, for each second. */
  const usage = async (): Promise<number[]> => {
    const seconds: number[] = [];
    for (let second = 0; second < IDLE_S; second++) {
      const before = await processorMs(browser, ["renderer"]);
      await sleep(1000);
      seconds.push(((await processorMs(browser, ["renderer"])) - before) / 10);
    }
    return seconds;
  };
  try {
    const [page = await browser.newPage()] = await browser.pages();
    await page.goto(app.url);
    await page.evaluate(() => localStorage.setItem("cria-preferences", JSON.stringify({ maxTokens: 4000, backend: "wasm" })));
    await page.reload();
    await (await page.waitForSelector(".button.large"))!.click();
    await page.waitForSelector(".status .dot");
    const threads = { threads: availableParallelism(), level: "" };

    await begin(page, "What is the capital of France?");
    await page.waitForSelector('[aria-label="Send"]', { timeout: 0 });
    await sleep(2000);
    record(model, "processor while idle", "% of a core", await usage(), threads);

    // An answer without end needs the library: the same engine and client, in a page of the same site.
    await page.goto(new URL("catalogue.json", app.url).href);
    await page.evaluate(writeWithoutEnd, new URL("cria.js", app.url).href);
    await page.waitForFunction(() => window.written > 100, { timeout: 0 });
    const seen = await writtenPerSecond(page, 5);
    const other = await browser.newPage(); // opens in front
    await other.bringToFront();
    const state = await page.evaluate(() => document.visibilityState);
    if (state !== "hidden") throw new Error("The tab is still in sight.");
    await writtenPerSecond(page, 10); // browsers slow a tab down some time after it is hidden
    const unseen = await writtenPerSecond(page, 10);
    record(model, "decode while hidden", "tokens/s", [unseen], threads);
    record(model, "speed kept while hidden", "%", [(100 * unseen) / seen], threads);
    await page.evaluate(() => (window.enough = true));
    await sleep(3000);
    record(model, "processor while hidden and idle", "% of a core", await usage(), threads);
  } finally {
    await browser.close();
    await app.close();
  }
}

async function begin(page: Page, question: string): Promise<void> {
  await page.waitForSelector(".foot textarea");
  await page.type(".foot textarea", question);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[aria-label="Stop"]');
}

/** In the page: continues a text again and again, and counts the pieces that come, until it is enough. */
async function writeWithoutEnd(url: string): Promise<void> {
  const { load } = (await import(url)) as typeof Library;
  const cria = await load({ model: "smollm2-135m-instruct", backend: "wasm", contextLength: 2048 });
  window.written = 0;
  // A name would need what the compiler puts around it, and the page lacks that.
  void (async () => {
    while (!window.enough) {
      const request = {
        prompt: "Once upon a time",
        max_tokens: 500,
        temperature: 0,
        ignore_eos: true,
        speculate: false,
      } as const;
      for await (const { choices } of await cria.completions.create({ ...request, stream: true })) {
        if (choices[0].text !== "") window.written++;
        if (window.enough) break;
      }
    }
  })();
}

/** How many pieces reach the page itself, a second. */
async function writtenPerSecond(page: Page, seconds: number): Promise<number> {
  const [before, start] = [await page.evaluate(() => window.written), performance.now()];
  await sleep(seconds * 1000);
  return ((await page.evaluate(() => window.written)) - before) / ((performance.now() - start) / 1000);
}

/** Tokens a second: the time that so many more take. */
async function decodeRate(engine: Contestant, tokens: number): Promise<number> {
  const few = await engine.complete(PROMPT, 2);
  const many = await engine.complete(PROMPT, 2 + tokens);
  return tokens / ((many.milliseconds - few.milliseconds) / 1000);
}

async function peakOf(browser: BenchBrowser): Promise<number> {
  const pid = await largestProcess(await browser.running(), "renderer");
  return (pid === null ? null : peakMemory(pid)) ?? 0;
}

function setupOf(model: BenchModel): Parameters<Contestant["load"]>[0] {
  const threads = availableParallelism();
  return { model: `/models/${model.name}.gguf`, backend: "wasm", threads, contextLength: CONTEXT, shape: model.shape };
}

function record(
  { name, quant }: BenchModel,
  work: WorkName,
  unit: BenchRecord["unit"],
  values: readonly number[],
  { threads, level }: Loaded,
): void {
  const made: BenchRecord = {
    engine: "Cria",
    backend: "wasm",
    model: name,
    quant,
    work,
    tokens: 0,
    context: CONTEXT,
    threads,
    level,
    ...spread(values),
    unit,
  };
  records.push(made);
  console.log(JSON.stringify(made));
}
