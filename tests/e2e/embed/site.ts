// A deployment of Cria and, on another site, pages that embed it: no header of theirs helps, as on most hosts of the world.
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { basename, join, normalize } from "node:path";
import { headerRules, headersFor } from "../../../.config/headers.ts";
import { readAllowList } from "../../../web/lib/allow-list.ts";
import { DIST, listen, type AppServer } from "../browser.ts";

const FOLDER = process.env["CRIA_DIST"] ?? DIST;
const MODELS = join(import.meta.dirname, "../../../.cache/models");
/** Where the examples are. */
export const EXAMPLES = join(import.meta.dirname, "../../../web/examples");
const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
  wasm: "application/wasm",
  svg: "image/svg+xml",
};

/** How a deployment differs from the one that is built. */
export interface Deployment {
  /** embed.json; the header follows it. */
  readonly allow?: object;
  /** False: the host sends no headers of ours, as the simplest ones do. */
  readonly headers?: boolean;
  /** The folder of the build; default: the app's own. */
  readonly folder?: string;
  /** Files by path that stand before those of the folder; they may change between requests. */
  readonly files?: Readonly<Record<string, string>>;
  /** Headers by path instead of those of .config/headers.ts. */
  readonly headersOf?: (path: string) => Readonly<Record<string, string>>;
}

/** A server, and what was asked of it. */
export interface Site extends AppServer {
  readonly requests: { readonly path: string; readonly host: string }[];
}

/** The built app, with the model in .cache/models, at http://localhost. */
export async function serveCria({
  allow,
  headers = true,
  headersOf,
  folder = FOLDER,
  files = {},
}: Deployment = {}): Promise<Site> {
  if (!existsSync(join(folder, "embed.html"))) throw new Error("There is no build to test: run npm run build first.");
  const rules = headerRules(readAllowList(allow ?? JSON.parse(await readFile(join(folder, "embed.json"), "utf8"))));
  return serve(async (path, request, response) => {
    const sent = headersOf ? headersOf(path) : headers ? headersFor(path, rules) : {};
    // The least that lets another site load a module, and any host sends it.
    response.setHeaders(new Headers({ "Access-Control-Allow-Origin": "*", ...sent }));
    if (path.startsWith("/models/")) return sendModel(basename(path), request, response);
    if (path === "/embed.json" && allow)
      return void response.setHeader("Content-Type", TYPES["json"]!).end(JSON.stringify(allow));
    const file = files[path];
    if (file !== undefined)
      return void response.setHeader("Content-Type", TYPES[path.split(".").at(-1)!] ?? "text/plain").end(file);
    await sendFile(join(folder, path.endsWith("/") ? `${path}index.html` : path), response);
  });
}

/** Somebody's site, at http://127.0.0.1: to browsers another site than localhost. `pages` by path; other paths are files of `folder`. */
export async function serveHost(pages: Readonly<Record<string, string>>, folder: string | null = null): Promise<Site> {
  const site = await serve(async (path, _request, response) => {
    const page = pages[path];
    if (page !== undefined) response.writeHead(200, { "Content-Type": TYPES["html"] }).end(page);
    else if (folder) await sendFile(join(folder, path), response);
    else response.writeHead(404).end();
  });
  return { ...site, url: site.url.replace("localhost", "127.0.0.1") };
}

/** The examples as another site would serve them, with a deployment's script. */
export function examplePages(criaUrl: string): Record<string, string> {
  const names = ["plain", "blog", "shop"];
  const read = (name: string): string => readFileSync(join(EXAMPLES, `${name}.html`), "utf8");
  return Object.fromEntries(
    names.map((name) => [`/${name}.html`, read(name).replace("../cria-chat.js", `${criaUrl}cria-chat.js`)]),
  );
}

type Answer = (path: string, request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

async function serve(answer: Answer): Promise<Site> {
  const requests: Site["requests"] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    requests.push({ path, host: request.headers.host ?? "" });
    await answer(path, request, response);
  };
  const server = await listen(createServer((request, response) => void respond(request, response)));
  return { ...server, requests };
}

async function sendFile(file: string, response: ServerResponse): Promise<void> {
  try {
    const body = await readFile(file);
    response.setHeader("Content-Type", TYPES[file.split(".").at(-1) ?? ""] ?? "application/octet-stream").end(body);
  } catch {
    response.writeHead(404).end();
  }
}

function sendModel(name: string, request: IncomingMessage, response: ServerResponse): void {
  const named = process.env["CRIA_MODEL"];
  const file = named && basename(named) === name ? named : join(MODELS, name);
  if (!existsSync(file)) return void response.writeHead(404).end();
  const { size } = statSync(file);
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const [start, end] = range ? [Number(range[1]), Math.min(Number(range[2]), size - 1)] : [0, size - 1];
  response.writeHead(range ? 206 : 200, {
    "Content-Type": "application/octet-stream",
    "Accept-Ranges": "bytes",
    "Content-Length": end - start + 1,
    ...(range ? { "Content-Range": `bytes ${start}-${end}/${size}` } : {}),
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(file, { start, end }).pipe(response);
}
