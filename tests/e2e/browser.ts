// Starts Chromium with an empty profile, and the built app behind a server: what every browser test begins with.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import puppeteer, { type Browser } from "puppeteer-core";
import { preview } from "vite";
import { readFile } from "node:fs/promises";
import { findBrowser } from "../../web/cli/browsers.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The finished build, which `npm run build` makes; another one where CRIA_DIST says so. */
export const DIST = process.env["CRIA_DIST"] ?? join(ROOT, "dist");

const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Software WebGPU: off by default where there is no GPU.
  "--enable-unsafe-webgpu",
  "--enable-unsafe-swiftshader",
];

/** A browser with a profile of its own. `close` ends it and removes the profile, `kill` ends the process and keeps the profile. */
export interface TestBrowser {
  readonly browser: Browser;
  readonly profile: string;
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Starts Chromium; with the profile of an earlier one, where given, and with further flags. */
export async function openChromium(
  profile = mkdtempSync(join(tmpdir(), "cria-chromium-")),
  flags: readonly string[] = [],
): Promise<TestBrowser> {
  const browser = await puppeteer.launch({
    executablePath: findBrowser("chromium"),
    headless: true,
    userDataDir: profile,
    args: [...FLAGS, ...flags],
  });
  return {
    browser,
    profile,
    async kill() {
      const process = browser.process();
      const ended = new Promise((resolve) => process?.once("exit", resolve));
      process?.kill("SIGKILL");
      await ended;
    },
    async close() {
      await browser.close().catch(() => undefined); // one that was killed is closed too
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A server of the built app. */
export interface AppServer {
  readonly url: string;
  close(): Promise<void>;
}

/** The app as `npm start` serves it, on a free port. */
export async function serveApp(): Promise<AppServer> {
  if (!existsSync(join(DIST, "index.html"))) throw new Error("There is no build to test: run npm run build first.");
  const server = await preview({
    configFile: join(ROOT, "vite.config.ts"),
    build: { outDir: DIST },
    preview: { port: 0, strictPort: false },
    logLevel: "warn",
  });
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() };
}

const TYPES: Record<string, string> = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
  wasm: "application/wasm",
  svg: "image/svg+xml",
};

/** A folder as a plain static host serves it: no isolation headers, no ranges. `folder` may change between requests. */
export async function servePlainly(folder: () => string, headers: Readonly<Record<string, string>> = {}): Promise<AppServer> {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const file = normalize(join(folder(), path.endsWith("/") ? `${path}index.html` : path));
    try {
      const body = await readFile(file);
      response
        .writeHead(200, {
          "Content-Type": TYPES[file.split(".").at(-1) ?? ""] ?? "application/octet-stream",
          "Content-Length": body.length,
          ...headers,
        })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  };
  return listen(createServer((request, response) => void respond(request, response)));
}

/** Starts a server on a free port of localhost. `close` also ends its open connections. */
export async function listen(server: Server): Promise<AppServer> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://localhost:${String(port)}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
