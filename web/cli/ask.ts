// `npm run ask -- [--backend wasm|webgpu|auto] [--model id-or-path-or-url] [--json] "question"`: asks the built app in headless Chromium,
// prints the answer as it comes, then the figures. The quickest proof that the whole thing works.
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import puppeteer, { type Page } from "puppeteer-core";
import { preview } from "vite";
import type * as Library from "../api/cria.ts";
import catalogue from "../../public/catalogue.json" with { type: "json" };
import { findBrowser } from "./browsers.ts";
import { buildIfNeeded } from "./build.ts";
import { MODEL_PATH, obtainModel } from "./model.ts";

const ROOT = join(import.meta.dirname, "../..");
const USAGE = 'Usage: npm run ask -- [--backend wasm|webgpu|auto] [--model id-or-path-or-url] [--json] "question"';

/** What the page is told. */
interface Question {
  /** Catalogue id or URL. */
  readonly model: string;
  readonly backend: "auto" | "webgpu" | "wasm";
  readonly question: string;
}

/** What came of it. */
interface Answer {
  readonly text: string;
  readonly finishReason: string | null;
  readonly info: Library.ModelInfo;
  readonly stats: Library.Stats;
}

/** What the page calls back with: progress of loading, then text. */
type Report = { readonly progress: Library.LoadProgress } | { readonly text: string };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { backend: { type: "string", default: "auto" }, model: { type: "string" }, json: { type: "boolean", default: false } },
});
const question = positionals.join(" ").trim();
const { backend, json } = values;
if (question === "" || (backend !== "auto" && backend !== "webgpu" && backend !== "wasm")) {
  console.error(USAGE);
  process.exit(2);
}
buildIfNeeded();
const server = await preview({
  root: join(ROOT, "web"),
  configFile: join(ROOT, "vite.config.ts"),
  preview: { port: 0, strictPort: false },
  logLevel: "error",
});
const browser = await puppeteer.launch({ executablePath: findBrowser("chromium"), args: chromiumFlags(), protocolTimeout: 0 });
try {
  const home = server.resolvedUrls!.local[0]!;
  const model = await modelAddress(values.model, home);
  const page = await browser.newPage();
  await page.goto(new URL("catalogue.json", home).href); // a page of the app's origin without the app, which has a model of its own
  const answer = await ask(page, { model, backend, question }, json ? () => undefined : print);
  console.log(json ? JSON.stringify({ question, ...answer }) : figures(answer));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.close();
}

/** What to load: the app's default model, one of its catalogue, a URL, or a file of this disk, which is served beside the app. */
async function modelAddress(given: string | undefined, home: string): Promise<string> {
  if (given && (/^https?:/.test(given) || catalogue.some(({ id }) => id === given))) return given;
  const path = given ? resolve(given) : await obtainModel();
  if (path === null || !existsSync(path)) throw new Error(`There is no model ${path ?? MODEL_PATH}.`);
  process.env["CRIA_MODEL"] = path;
  return given ? new URL(`models/${encodeURIComponent(basename(path))}`, home).href : catalogue[0]!.id;
}

/** Headless Chromium has WebGPU on request; without a graphics card it computes on the processor. */
function chromiumFlags(): string[] {
  const noCard = process.platform === "linux" && !existsSync("/dev/dri/renderD128") && !existsSync("/dev/nvidia0");
  return [
    "--enable-unsafe-webgpu",
    ...(noCard ? ["--use-webgpu-adapter=swiftshader"] : ["--enable-features=Vulkan"]),
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  ];
}

/** Loads and asks in the page, through the library that other pages import. Greedy, so that the same question gets the same answer. */
async function ask(page: Page, asked: Question, report: (report: Report) => void): Promise<Answer> {
  await page.exposeFunction("report", report);
  // tsx compiles functions with calls of a helper that keeps their names; pages have none.
  await page.evaluate("globalThis.__name = (it) => it");
  const result = await page.evaluate(async ({ model, backend, question }): Promise<Answer | { error: string }> => {
    try {
      const { load }: typeof Library = await import(/* @vite-ignore */ new URL("cria.js", location.href).href);
      const { report } = window as unknown as { report: (report: Report) => Promise<void> };
      const cria = await load({ model, backend, onProgress: (progress) => void report({ progress }) });
      const messages = [{ role: "user", content: question }] as const;
      let text = "";
      let finishReason: string | null = null;
      for await (const chunk of await cria.chat.completions.create({ messages, temperature: 0, stream: true })) {
        const { delta, finish_reason } = chunk.choices[0];
        text += delta.content ?? "";
        finishReason = finish_reason;
        await report({ text: delta.content ?? "" });
      }
      return { text, finishReason, info: cria.info, stats: await cria.stats() };
    } catch (error) {
      const { message, hint = "" } = error as { message: string; hint?: string };
      return { error: `${message} ${hint}`.trim() };
    }
  }, asked);
  if ("error" in result) throw new Error(result.error);
  return result;
}

function print(report: Report): void {
  if ("text" in report) process.stdout.write(report.text);
}

function figures({ info, stats }: Answer): string {
  const perSecond = (tokens: number, milliseconds: number): string =>
    milliseconds > 0 ? ((tokens * 1000) / milliseconds).toFixed(1) : "–";
  const { load, prefill, decode } = stats;
  const read = prefill.tokens - prefill.cachedTokens;
  return [
    "\n",
    `model    ${info.name}, ${info.quantization}, ${(info.sizeBytes / 1e6).toFixed(0)} MB`,
    `backend  ${info.backend}, ${info.tier}${info.threads > 0 ? `, ${info.threads} threads` : ""}: ${info.reason}`,
    `load     ${(load.milliseconds / 1000).toFixed(2)} s`,
    `prefill  ${perSecond(read, prefill.milliseconds)} tokens/s (${read} tokens)`,
    `decode   ${perSecond(decode.tokens, decode.milliseconds)} tokens/s (${decode.tokens} tokens)`,
  ].join("\n");
}
