// Serves page/ cross-origin isolated (or not), and runs its jobs in a browser.
import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { Browser } from "puppeteer-core";
import { createServer } from "vite";

const ROOT = join(import.meta.dirname, "../../../..");
const BUILD = join(ROOT, "workers/engine/cpu/build");

export interface KernelPage {
  readonly url: string;
  /** Runs a job of page/worker.ts in a tab of its own. */
  run(browser: Browser, job: string, argument?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts the server on a free port. */
export async function serveKernelPage(isolated = true): Promise<KernelPage> {
  const headers: Record<string, string> = isolated
    ? { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" }
    : {};
  const server = await createServer({
    configFile: false,
    root: join(import.meta.dirname, "page"),
    publicDir: false,
    cacheDir: join(ROOT, ".cache/kernel-page"),
    appType: "mpa",
    logLevel: "warn",
    server: { port: 0, hmr: false, ws: false, watch: null, headers, fs: { allow: [ROOT] } },
    optimizeDeps: { noDiscovery: true, include: [] },
    plugins: [
      {
        name: "cria:kernels",
        configureServer({ middlewares }) {
          middlewares.use("/kernels", (request, response) => {
            response.setHeader("Content-Type", "application/wasm");
            createReadStream(join(BUILD, request.url ?? "")).pipe(response);
          });
        },
      },
    ],
  });
  await server.listen();
  const url = server.resolvedUrls!.local[0]!;
  return {
    url,
    async run(browser, job, argument) {
      const page = await browser.newPage();
      page.on("pageerror", (error) => console.error(error));
      try {
        await page.goto(url);
        await page.waitForFunction("typeof window.job === 'function'");
        return await page.evaluate((name, value) => globalThis.job(name, value), job, argument);
      } finally {
        await page.close();
      }
    },
    close: () => server.close(),
  };
}
