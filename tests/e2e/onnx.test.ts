// ONNX models in the built app: from a URL with the files beside it, from files of a disk, and again without a network; on WASM and on WebGPU.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Library from "../../web/api/cria.ts";
import { exportOnnx, type ExportedFiles } from "../../web/cli/onnx/export.ts";
import { memorySource } from "../golden/sources.ts";
import { smallModel } from "../workers/engine/onnx/small-model.ts";
import { listen, openChromium, serveApp, type AppServer, type TestBrowser } from "./browser.ts";

declare const library: typeof Library;

const REQUEST = { prompt: "on the once", max_tokens: 12, temperature: 0 } as const;

let app: AppServer;
let host: AppServer;
let chromium: TestBrowser;
let page: Page;
let files: ExportedFiles;
let requests: string[] = [];
/** What our own engine says, from the GGUF file. */
let right: string;

beforeAll(async () => {
  const gguf = smallModel();
  files = await exportOnnx(memorySource(gguf), { past: true, half: false, external: true });
  const served = new Map([
    ...[...files].map(([path, bytes]) => [`/small/${path}`, bytes] as const),
    ["/small.gguf", gguf] as const,
  ]);
  host = await listen(createServer((request, response) => serve(served, request, response)));
  app = await serveApp();
  chromium = await openChromium();
  page = await open();
  right = await say({ model: `${host.url}small.gguf`, backend: "wasm" });
});

afterAll(async () => {
  await chromium.close();
  await Promise.all([app.close(), host.close()]);
});

/** A host of files, by ranges and to other origins, as the hub is. */
function serve(served: ReadonlyMap<string, Uint8Array>, request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  requests.push(path);
  response.setHeader("Access-Control-Allow-Origin", "*").setHeader("Access-Control-Allow-Headers", "Range");
  response.setHeader("Access-Control-Expose-Headers", "Content-Range, ETag, Content-Length");
  const bytes = served.get(path);
  if (!bytes) return void response.writeHead(404).end();
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(bytes.length - 1, range?.[2] ? Number(range[2]) : bytes.length - 1);
  response.setHeader("ETag", '"1"').setHeader("Content-Length", end - start + 1);
  if (range) response.writeHead(206, { "Content-Range": `bytes ${start}-${end}/${bytes.length}` });
  response.end(request.method === "HEAD" ? undefined : bytes.subarray(start, end + 1));
}

async function open(): Promise<Page> {
  const opened = await chromium.browser.newPage();
  await opened.goto(app.url);
  await opened.waitForFunction(() => navigator.serviceWorker.controller !== null);
  // A page without the app, which would load a model of its own in place of ours.
  await opened.goto(`${app.url}catalogue.json`);
  await importLibrary(opened);
  return opened;
}

/** As text: a function's import would become the test runner's. */
async function importLibrary(opened: Page): Promise<void> {
  await opened.evaluate('import("./cria.js").then((library) => void Object.assign(window, { library }))');
}

/** Loads a model in the page and has it go on from the prompt. */
async function say(options: { model: string; backend: "wasm" | "webgpu" }): Promise<string> {
  return page.evaluate(
    async (options, request) => {
      const cria = await library.load(options);
      Object.assign(window, { info: cria.info });
      return (await cria.completions.create(request)).choices[0].text;
    },
    options,
    REQUEST,
  );
}

const info = (): Promise<Library.ModelInfo> => page.evaluate(() => (window as unknown as { info: Library.ModelInfo }).info);

describe("an ONNX model in the browser", () => {
  it("is opened by its graph's URL, and says what our own engine says", async () => {
    expect(await say({ model: `${host.url}small/onnx/model.onnx`, backend: "wasm" })).toBe(right);
    expect(await info()).toMatchObject({ backend: "wasm", tier: "onnxruntime", name: "small" });
    expect((await info()).threads).toBeGreaterThan(0);
  });

  it("is opened from files of a disk", async () => {
    const said = await page.evaluate(
      async (files, request) => {
        const model = files.map(([name, bytes]) => new File([Uint8Array.from(bytes)], name));
        const cria = await library.load({ model, backend: "wasm" });
        return (await cria.completions.create(request)).choices[0].text;
      },
      [...files].map(([path, bytes]) => [path.split("/").at(-1)!, [...bytes]] as const),
      REQUEST,
    );
    expect(said).toBe(right);
  });

  it("scores continuations like any other", async () => {
    const scores = await page.evaluate(async (model) => {
      const cria = await library.load({ model, backend: "wasm" });
      return (await cria.score({ context: "on the", continuations: [" once", " th"] })).scores.map(
        ({ logprobs }) => logprobs.length,
      );
    }, `${host.url}small/onnx/model.onnx`);
    expect(scores.every((count) => count > 0)).toBe(true);
  });

  it("runs on WebGPU", async () => {
    expect(await say({ model: `${host.url}small/onnx/model.onnx`, backend: "webgpu" })).toBe(right);
    expect(await info()).toMatchObject({ backend: "webgpu", threads: 0 });
  });

  it("is there again without a network: its files, and the runtime's", async () => {
    requests = [];
    const session = await page.createCDPSession();
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", {
      offline: true,
      latency: 0,
      downloadThroughput: 0,
      uploadThroughput: 0,
    });
    await page.reload();
    await importLibrary(page);
    expect(await say({ model: `${host.url}small/onnx/model.onnx`, backend: "wasm" })).toBe(right);
    expect(requests).toEqual([]);
  });
});
