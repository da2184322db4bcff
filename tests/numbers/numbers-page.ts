// Serves page/ with a model, its truth and the kernels, and measures in a browser: levels that Node lacks, threads it has not.
import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Browser } from "puppeteer-core";
import { createServer } from "vite";
import type { Answer, Job } from "./page/job.ts";
import type { Run } from "./truth.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface NumbersPage {
  /** Measures in a tab of its own. Throws what the page throws. */
  measure(browser: Browser, job: Job): Promise<Extract<Answer, { found: unknown }>["found"]>;
  close(): Promise<void>;
}

/** Starts a cross-origin isolated server on a free port. */
export async function serveNumbersPage(model: string, truth: Run): Promise<NumbersPage> {
  const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  const server = await createServer({
    configFile: false,
    root: join(import.meta.dirname, "page"),
    publicDir: false,
    cacheDir: join(ROOT, ".cache/numbers-page"),
    appType: "mpa",
    logLevel: "warn",
    server: { port: 0, hmr: false, ws: false, watch: null, headers: isolation, fs: { allow: [ROOT] } },
    optimizeDeps: { noDiscovery: true, include: [] },
    plugins: [
      {
        name: "cria:numbers",
        configureServer({ middlewares }) {
          middlewares.use("/model", (request, response) => sendRange(request, response, model));
          middlewares.use("/truth", (_, response) => response.end(Buffer.from(truth.values.buffer)));
          middlewares.use("/kernels", ({ url = "" }, response) => {
            response.setHeader("Content-Type", "application/wasm");
            createReadStream(join(ROOT, "workers/engine/cpu/build", url)).pipe(response);
          });
        },
      },
    ],
  });
  await server.listen();
  return {
    async measure(browser, job) {
      const page = await browser.newPage();
      try {
        await page.goto(server.resolvedUrls!.local[0]!);
        await page.waitForFunction("typeof window.measure === 'function'");
        const answer = await page.evaluate((given) => globalThis.measure(given), job);
        if ("error" in answer) throw new Error(answer.error);
        return answer.found;
      } finally {
        await page.close();
      }
    },
    close: () => server.close(),
  };
}

function sendRange(request: IncomingMessage, response: ServerResponse, file: string): void {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  response.statusCode = 206;
  createReadStream(file, { start: Number(start), end: Number(end) }).pipe(response);
}
