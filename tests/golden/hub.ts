// A model hub that misbehaves by schedule: the same seed gives the same drops, stalls, lies and flipped bytes.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** What may become of one answer. "right" is as it should be. */
export const MISHAPS = [
  "right",
  "redirect", // 302 to the same file elsewhere
  "drop", // closes the connection before a byte
  "cut", // closes it in the middle
  "stall", // falls silent in the middle
  "503",
  "429", // with Retry-After: 0
  "flip", // one byte is wrong, and nothing says so
  "short", // a shorter body, and a Content-Length that agrees with it
  "other-total", // Content-Range names another length of the file
  "other-start", // Content-Range names another start, and the bytes are from there
  "whole", // ignores the Range header
] as const;

/** "slow" is right in the end, and in no schedule: it pauses for SLOW_MS in the middle. */
export type Mishap = (typeof MISHAPS)[number] | "slow";

const SLOW_MS = 12_000;

/** A file that a hub serves. */
export interface HubFile {
  bytes: Uint8Array;
  etag: string;
}

export interface Hub {
  readonly server: Server;
  /** Every answer so far: path, Range and Authorization headers, and what became of it. */
  readonly log: {
    readonly path: string;
    readonly range: string;
    readonly token?: string;
    readonly mishap: Mishap;
    sentBytes: number;
  }[];
}

export interface HubOptions {
  /** What becomes of the next answer; `tries` counts the requests for this very range so far. */
  readonly schedule?: (range: string, tries: number) => Mishap;
  /** False sends no CORS headers. */
  readonly cors?: boolean;
  /** Access token that everything below "gated/" wants. */
  readonly token?: string;
  /** Base URL of another host that files of repositories are redirected to, as large ones are on Hugging Face. */
  readonly cdn?: string;
}

/** The commit that "main" is of every repository. */
export const COMMIT = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/**
 * Serves files by path ("model.gguf"). Those at "owner/name/resolve/main/..." are repositories, which it lists like Hugging Face's API.
 * Not yet listening.
 */
export function createHub(files: Record<string, HubFile>, options: HubOptions = {}): Hub {
  const { schedule = () => "right", cors = true } = options;
  const log: Hub["log"] = [];
  const tries = new Map<string, number>();
  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const path = decodeURIComponent(url.pathname.slice(1)).replace(`/resolve/${COMMIT}/`, "/resolve/main/");
    const file = files[path];
    const token = request.headers.authorization ?? "";
    if (cors) {
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Access-Control-Allow-Headers", "Authorization, Range");
      response.setHeader("Access-Control-Expose-Headers", "ETag, Content-Range, Retry-After, X-Error-Code");
    }
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    if (path.startsWith("status/")) return void response.writeHead(Number(path.slice(7))).end();
    if (options.token && path.includes("gated/") && token !== `Bearer ${options.token}`)
      return void response.writeHead(401, { "X-Error-Code": "GatedRepo" }).end();
    const api = /^api\/models\/([^/]+\/[^/]+)\/(?:revision\/(main|c0ffee\w*)|(refs))$/.exec(path);
    if (api) return void response.end(JSON.stringify(api[3] ? REFS : describe(api[1]!, files)));
    if (path.startsWith("api/")) return void response.writeHead(404, { "X-Error-Code": "RepoNotFound" }).end();
    if (!file) return void response.writeHead(404).end();
    if (options.cdn && path.includes("/resolve/")) return void response.writeHead(302, { Location: options.cdn + path }).end();
    const range = request.headers.range ?? "";
    const tried = tries.get(range) ?? 0;
    const planned = schedule(range, tried);
    // The redirect's target answers in its own right.
    const mishap = planned === "redirect" && url.searchParams.has("elsewhere") ? "right" : planned;
    if (mishap !== "redirect") tries.set(range, tried + 1);
    const entry = { path, range, token, mishap, sentBytes: 0 };
    log.push(entry);
    entry.sentBytes = act(file, range, mishap, response);
  };
  return { server: createServer(respond), log };
}

const REFS = { branches: [{ name: "main", targetCommit: COMMIT }], tags: [{ name: "v1.0", targetCommit: COMMIT }], converts: [] };

/** What Hugging Face's API says of a repository, as far as we read it. */
function describe(repository: string, files: Record<string, HubFile>): object {
  const start = `${repository}/resolve/main/`;
  const siblings = Object.entries(files)
    .filter(([path]) => path.startsWith(start))
    .map(([path, { bytes }]) => {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { rfilename: path.slice(start.length), size: bytes.length, lfs: { sha256, size: bytes.length, pointerSize: 134 } };
    });
  const gated = repository.startsWith("gated/") ? "auto" : false;
  return { id: repository, sha: COMMIT, gated, tags: ["gguf", "license:apache-2.0"], siblings };
}

/**
 * A schedule in which each range is right at least once in any block of five tries, and any mishap of `kinds` may happen to the others.
 */
export function seededSchedule(seed: number, kinds: readonly Mishap[] = MISHAPS): (range: string, tries: number) => Mishap {
  const pick = (key: string, count: number): number => hash(`${String(seed)} ${key}`) % count;
  return (range, tries) => {
    const block = Math.floor(tries / 5);
    const isRight = pick(`${range} block ${String(block)}`, 5) === tries % 5;
    return isRight ? "right" : kinds[pick(`${range} try ${String(tries)}`, kinds.length)]!;
  };
}

/** FNV-1a, 32 bits, mixed once more: neighbouring keys must not fall alike. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(text)) state = Math.imul(state ^ byte, 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x45d9f3b);
  return (state ^ (state >>> 16)) >>> 0;
}

function act(file: HubFile, range: string, mishap: Mishap, response: ServerResponse): number {
  const size = file.bytes.length;
  const match = /^bytes=(\d+)-(\d+)$/.exec(range);
  if (mishap === "redirect") return end(response.writeHead(302, { Location: "?elsewhere" }));
  if (mishap === "drop") return response.destroy().writableLength;
  if (mishap === "503") return end(response.writeHead(503));
  if (mishap === "429") return end(response.writeHead(429, { "Retry-After": "0" }));
  if (!match || mishap === "whole") return end(response.writeHead(200, { "Content-Length": size, ETag: file.etag }), file.bytes);
  if (Number(match[1]) >= size) return end(response.writeHead(416, { "Content-Range": `bytes */${String(size)}` }));

  const shift = mishap === "other-start" && Number(match[1]) > 0 ? 1 : 0;
  const [start, last] = [Number(match[1]) - shift, Math.min(Number(match[2]), size - 1)];
  const body = file.bytes.slice(start, last + 1);
  if (mishap === "flip") body[Math.floor(body.length / 2)]! ^= 16;
  const total = mishap === "other-total" ? size + 1 : size;
  const sent = mishap === "short" ? body.subarray(0, body.length >> 1) : body;
  response.writeHead(206, { "Content-Range": `bytes ${String(start)}-${String(last)}/${String(total)}`, "Content-Length": sent.length, ETag: file.etag });
  if (!["cut", "stall", "slow"].includes(mishap)) return end(response, sent);
  const half = body.subarray(0, body.length >> 1);
  response.write(half, () => mishap === "cut" && response.destroy());
  if (mishap !== "slow") return half.length;
  setTimeout(() => response.end(body.subarray(half.length)), SLOW_MS);
  return body.length;
}

function end(response: ServerResponse, body: Uint8Array = new Uint8Array(0)): number {
  response.end(body);
  return body.length;
}
