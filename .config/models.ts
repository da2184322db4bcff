// Serves /models/*.gguf from .cache/models (or the file CRIA_MODEL names), by ranges, from the dev and preview servers: a model is never
// committed, and never copied into the build.
import { createReadStream, existsSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { basename, join } from "node:path";
import type { Connect, Plugin } from "vite";

const FOLDER = join(import.meta.dirname, "..", ".cache", "models");

/** The plugin that serves local models. */
export function localModels(): Plugin {
  return {
    name: "cria:models",
    configureServer: (server) => void server.middlewares.use("/models", serve),
    configurePreviewServer: (server) => void server.middlewares.use("/models", serve),
  };
}

function serve(request: IncomingMessage, response: ServerResponse, next: Connect.NextFunction): void {
  const file = find(basename(new URL(request.url ?? "/", "http://localhost").pathname));
  if (!file || (request.method !== "GET" && request.method !== "HEAD")) return next();
  const { size, mtimeMs } = statSync(file);
  const range = parseRange(request.headers.range, size);
  response.setHeader("Content-Type", "application/octet-stream");
  response.setHeader("Accept-Ranges", "bytes");
  response.setHeader("ETag", `"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}"`);
  if (range === "unsatisfiable") {
    response.writeHead(416, { "Content-Range": `bytes */${String(size)}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.setHeader("Content-Length", end - start + 1);
  if (range) response.writeHead(206, { "Content-Range": `bytes ${String(start)}-${String(end)}/${String(size)}` });
  if (request.method === "HEAD") response.end();
  else createReadStream(file, { start, end }).pipe(response);
}

function find(name: string): string | null {
  const named = process.env["CRIA_MODEL"];
  const candidates = [join(FOLDER, name), ...(named && basename(named) === name ? [named] : [])];
  return name.endsWith(".gguf") ? (candidates.find((path) => existsSync(path)) ?? null) : null;
}

/** Null where the whole file is meant. */
function parseRange(header: string | undefined, size: number): { start: number; end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (!match[1] && !match[2])) return null;
  const start = match[1] ? Number(match[1]) : Math.max(0, size - Number(match[2]));
  const end = match[1] && match[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  return start > end ? "unsatisfiable" : { start, end };
}
