// Serves the benchmark's page, the build (CRIA_DIST names another), the peers' packages and the models, cross-origin isolated, from one origin.
import { createReadStream, existsSync, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import asc from "assemblyscript/asc";
import { type Connect, createServer, type Plugin } from "vite";
import { DIST } from "../e2e/browser.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Sums `bytes` bytes from `at`, four vectors at a time, so that no addition waits for the one before it. */
const READ = `
export function sum(at: usize, bytes: usize): i32 {
  let a = i32x4.splat(0), b = a, c = a, d = a;
  for (const end = at + bytes; at < end; at += 64) {
    a = i32x4.add(a, v128.load(at));
    b = i32x4.add(b, v128.load(at, 16));
    c = i32x4.add(c, v128.load(at, 32));
    d = i32x4.add(d, v128.load(at, 48));
  }
  return i32x4.extract_lane(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)), 0);
}`;

const TYPES: Record<string, string> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

export interface BenchServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts it, on a free port if none is named: what browsers stored belongs to the port. `models` gives the path of a model by the name it is
 * asked for under /models/. A page that is not `isolated` gets no shared memory, and with it one thread.
 */
export async function serveBench(
  models: (name: string) => string | null,
  { isolated = true, port = 0 }: { readonly isolated?: boolean; readonly port?: number } = {},
): Promise<BenchServer> {
  const server = await createServer({
    configFile: false,
    root: join(import.meta.dirname, "page"),
    cacheDir: join(ROOT, ".cache/bench-vite"),
    appType: "mpa",
    logLevel: "warn",
    plugins: [files(models, await readerModule(), isolated)],
    // The page must not reload in the middle of a measurement.
    server: { port, hmr: false, ws: false, watch: null, fs: { allow: [ROOT] } },
    optimizeDeps: { noDiscovery: true, include: [] },
  });
  await server.listen();
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() };
}

function files(models: (name: string) => string | null, reader: Uint8Array, isolated: boolean): Plugin {
  const folder =
    (path: string) =>
    (url: string): string | null =>
      join(path, normalize(url));
  return {
    name: "cria:bench",
    configureServer({ middlewares }) {
      middlewares.use((_request, response, next) => {
        if (!isolated) return next();
        response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
        response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
        next();
      });
      middlewares.use("/read.wasm", (_request, response) => {
        response.setHeader("Content-Type", "application/wasm").end(reader);
      });
      middlewares.use("/dist", send(folder(DIST)));
      middlewares.use("/packages", send(folder(join(ROOT, "node_modules"))));
      middlewares.use(
        "/models",
        send((url) => models(url.slice(1))),
      );
    },
  };
}

/** Sends files, whole or a range of one. */
function send(find: (url: string) => string | null): Connect.NextHandleFunction {
  return (request, response, next) => {
    const file = find(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    if (file === null || !existsSync(file)) return next();
    const { size, mtimeMs } = statSync(file);
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("Accept-Ranges", "bytes");
    response.setHeader("ETag", `"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}"`);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (!range) return body(response, file, 0, size - 1, request.method === "HEAD");
    const start = Number(range[1]);
    const end = range[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
    response.writeHead(206, { "Content-Range": `bytes ${start}-${end}/${size}`, "Content-Length": end - start + 1 });
    body(response, file, start, end, request.method === "HEAD");
  };
}

function body(response: ServerResponse, file: string, start: number, end: number, headOnly: boolean): void {
  if (!response.headersSent) response.setHeader("Content-Length", end - start + 1);
  if (headOnly) response.end();
  else createReadStream(file, { start, end }).pipe(response);
}

async function readerModule(): Promise<Uint8Array> {
  const memory = { importMemory: true, sharedMemory: true, maximumMemory: 65536 };
  const options = { optimizeLevel: 3, enable: ["simd", "threads"], runtime: "stub", ...memory };
  const { binary, stderr } = await asc.compileString(READ, options);
  if (!binary) throw new Error(`The read kernel does not compile: ${stderr.toString()}`);
  return binary;
}
