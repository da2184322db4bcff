// `npx tsx tests/bench/advisor.ts [models]`: what the advisor predicts of each model beside what then happens, in Chromium on WASM.
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "puppeteer-core";
import { preview } from "vite";
import type * as Library from "../../web/api/cria.ts";
import { openChromium } from "../e2e/browser.ts";
import { openModel } from "./models.ts";

const ROOT = join(import.meta.dirname, "../..");
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { dist: { type: "string", default: join(ROOT, "dist") }, repeat: { type: "string", default: "3" } },
});
const names = positionals.length > 0 ? positionals : ["135m-q4_1", "1.1b-q4_0", "1.1b-q8_0", "3b-q4_0"];

/** What is asked of each model: the prompt and the place of `TYPICAL`. */
const PROMPT = 128;
const ANSWER = 128;

interface Found {
  readonly measureMs: number;
  readonly predicted: Library.Prediction;
  readonly firstTokenMs: number[];
  readonly tokensPerSecond: number[];
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const server = await preview({
    configFile: join(ROOT, "vite.config.ts"),
    build: { outDir: options.dist },
    preview: { port: 0, strictPort: false },
    logLevel: "warn",
  });
  const chromium = await openChromium();
  try {
    console.log("model       measured in   tokens/s: predicted, then measured      first word, ms: predicted, then measured");
    for (const name of names) {
      const { path } = await openModel(name);
      const page = await chromium.browser.newPage();
      await page.goto(server.resolvedUrls!.local[0]!);
      console.log(row(name, await compare(page, path, Number(options.repeat))));
      await page.close();
    }
  } finally {
    await chromium.close();
    await server.close();
  }
}

/** Predicts, loads, asks. */
async function compare(page: Page, path: string, repeat: number): Promise<Found> {
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", '<input type="file" id="bench-model">'));
  const input = await page.$("input#bench-model");
  if (!input) throw new Error("The page has no place for a file.");
  await input.uploadFile(path);
  return page.evaluate(
    async (element, repeat, promptTokens, answerTokens) => {
      const { advise, load } = (await import(new URL("cria.js", location.href).href)) as typeof Library;
      const model = element.files![0]!;
      const began = performance.now();
      const [advice] = await advise([model], { again: true });
      const measureMs = performance.now() - began;
      const cria = await load({ model, backend: "wasm", contextLength: 1024 });
      const firstTokenMs: number[] = [];
      const tokensPerSecond: number[] = [];
      for (let run = 0; run <= repeat; run++) {
        const prompt = Array.from({ length: promptTokens }, (_, i) => 300 + ((run * 7919 + i * 131) % 20_000));
        await cria.completions.create({ prompt, max_tokens: answerTokens, temperature: 0, ignore_eos: true, speculate: false });
        const { prefill, decode } = await cria.stats();
        if (run === 0) continue; // warms up
        firstTokenMs.push(prefill.milliseconds);
        tokensPerSecond.push((1000 * decode.tokens) / decode.milliseconds);
      }
      await cria.unload();
      const predicted = advice!.predictions.find(({ backend }) => backend === "wasm")!;
      return { measureMs, predicted, firstTokenMs, tokensPerSecond };
    },
    input,
    repeat,
    PROMPT,
    ANSWER,
  );
}

function row(name: string, { measureMs, predicted, firstTokenMs, tokensPerSecond }: Found): string {
  const pair = (guess: number, measured: readonly number[]): string => {
    const sorted = [...measured].sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1]!;
    const range = `${sorted[0]!.toFixed(1)}–${sorted.at(-1)!.toFixed(1)}`;
    return `${guess.toFixed(1).padStart(7)} ${median.toFixed(1).padStart(7)} (${range}) ${(100 * (guess / median - 1)).toFixed(0).padStart(4)} %`;
  };
  const tokens = pair(predicted.tokensPerSecond, tokensPerSecond);
  return `${name.padEnd(11)} ${measureMs.toFixed(0).padStart(6)} ms   ${tokens.padEnd(42)} ${pair(predicted.firstTokenMs, firstTokenMs)}`;
}
