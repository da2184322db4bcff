// What one engine for all tabs saves: memory of a second tab, with and without it; and how much sooner a long conversation goes on after a
// reload than when it is read again. Drives the built app in Chromium, on WASM with SmolLM2: npx tsx tests/bench/tabs.ts [tokens]
import { readFileSync } from "node:fs";
import type { Page } from "puppeteer-core";
import type * as Library from "../../web/api/cria.ts";
import { obtainModel } from "../../web/cli/model.ts";
import { openChromium, serveApp } from "../e2e/browser.ts";

const TOKENS = Number(process.argv[2] ?? 2000);
const ROUNDS = 5;
const MODEL = "smollm2-135m-instruct";
const MB = 2 ** 20;

declare const cria: Library.Cria;

await obtainModel();
const app = await serveApp();
const chromium = await openChromium();
const { browser } = chromium;

/** Resident bytes of every renderer, largest first. */
async function residentBytes(): Promise<number[]> {
  const session = await browser.target().createCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const sizes = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(id)}/status`, "utf8"))?.[1] ?? 0));
  return sizes.sort((a, b) => b - a);
}

async function openApp(alone: boolean): Promise<Page> {
  const page = await browser.newPage();
  await page.setBypassServiceWorker(alone); // no service worker in charge: the page has an engine of its own
  await page.goto(app.url);
  await (await page.waitForSelector(".status .dot, .button.large"))!.click();
  await page.waitForSelector(".status .dot");
  return page;
}

/** Milliseconds to the first token of an answer to a text of TOKENS tokens, and how many of them were there already. */
async function firstToken(page: Page, seed: number, conversation: string): Promise<{ milliseconds: number; cached: number }> {
  return page.evaluate(
    async (tokens, seed, conversation) => {
      const words = ["llama", "wool", "mountain", "river", "evening", "market", "thread", "colour"];
      // No function of its own in here: the page lacks what the compiler puts around one.
      let text = "";
      for (let i = 0, state = seed; i < tokens; i++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        text += `${words[(state >>> 16) % words.length]!} `;
      }
      const prompt = (await cria.tokenize(text)).slice(0, tokens);
      const began = performance.now();
      const options = { prompt, max_tokens: 8, temperature: 0, stream: true } as const;
      let milliseconds = 0;
      let cached = 0;
      for await (const { choices, usage } of await cria.completions.create(options, { conversation })) {
        if (milliseconds === 0 && choices[0].text !== "") milliseconds = performance.now() - began;
        cached = usage?.prompt_tokens_details.cached_tokens ?? cached;
      }
      return { milliseconds, cached };
    },
    TOKENS,
    seed,
    conversation,
  );
}

async function loadLibrary(page: Page): Promise<void> {
  await page.goto(new URL("catalogue.json", app.url).href);
  await page.evaluate(
    async (url, model) => {
      const { load } = (await import(url)) as typeof Library;
      Object.assign(globalThis, { cria: await load({ model, backend: "wasm" }) });
    },
    new URL("cria.js", app.url).href,
    MODEL,
  );
}

const megabytes = (bytes: readonly number[]): string => bytes.map((each) => (each / MB).toFixed(0)).join(" + ");
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

try {
  const pages = [await openApp(false)];
  console.log("renderers, MB resident:");
  console.log(`  one tab                     ${megabytes(await residentBytes())}`);
  pages.push(await openApp(false));
  console.log(`  two tabs, one engine        ${megabytes(await residentBytes())}`);
  await pages.pop()!.close();
  pages.push(await openApp(true));
  console.log(`  two tabs, an engine each    ${megabytes(await residentBytes())}`);
  for (const page of pages) await page.close();

  const page = await browser.newPage();
  const read: number[] = [];
  const recalled: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await loadLibrary(page);
    if (round > 0) {
      const { milliseconds, cached } = await firstToken(page, round - 1, `bench-${String(round - 1)}`);
      recalled.push(milliseconds);
      console.log(
        `  after a reload: ${milliseconds.toFixed(0)} ms, ${String(cached)} of ${String(TOKENS)} tokens not read again`,
      );
    }
    const { milliseconds } = await firstToken(page, round, `bench-${String(round)}`);
    read.push(milliseconds);
    console.log(`  read:           ${milliseconds.toFixed(0)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1000)); // it is written behind the answer
  }
  console.log(`${String(TOKENS)} tokens: ${(median(read) / median(recalled)).toFixed(1)} times sooner after a reload (medians)`);
} finally {
  await chromium.close();
  await app.close();
}
