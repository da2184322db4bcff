// Bytes of a file on a server, by Range requests: tries again where that may help, goes on where it broke off, and says what is wrong.
import { EngineError } from "../engine/base/errors.ts";
import {
  anotherFile,
  asFailedTry,
  broken,
  FileChanged,
  hostOf,
  noRanges,
  statusError,
  TRIES,
  WHOLE_FILE_BYTES,
} from "./failures.ts";

/** What a server said of a file. */
export interface RemoteFile {
  readonly url: string;
  readonly sizeBytes: number;
  /** Null where the host has none or does not show it to other origins. */
  readonly etag: string | null;
}

/** A way to servers. Tests replace it. */
export interface Network {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds without a byte after which a request is given up. */
  readonly stallMs: number;
  /** First pause between two tries; doubled with each, up to a limit. */
  readonly pauseMs: number;
}

/** An access token, and the one origin it is sent to. */
export interface Token {
  /** "https://huggingface.co". */
  readonly origin: string;
  readonly value: string;
}

export interface RequestOptions {
  readonly network: Network;
  /** Sent as a bearer token to its origin alone; a browser drops it when that origin redirects to another. */
  readonly token?: Token | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const NETWORK: Network = { fetch: (url, init) => fetch(url, init), stallMs: 20_000, pauseMs: 250 };

/** A refusal by CORS looks like a broken line: pauses between tries are short until a host has answered. */
const LONGEST_PAUSE_MS = { known: 2000, stranger: 300 };
/** Longest pause a server's Retry-After is granted. */
const LONGEST_RETRY_AFTER_MS = 30_000;

/** Asks for size and ETag. Throws `not_found`, `unauthorized`, `no_ranges`, `cross_origin`, `network`, `aborted`. */
export async function probe(url: string, options: RequestOptions): Promise<RemoteFile> {
  return insist(url, "stranger", options, async (request) => {
    const response = await request({ Range: "bytes=0-0" });
    discard(response);
    const etag = response.headers.get("ETag");
    if (response.status === 206) {
      const sizeBytes = contentRange(response)?.total ?? (await lengthByHead(url, options));
      if (sizeBytes !== null) return { url, sizeBytes, etag };
      throw new EngineError(
        "no_ranges",
        `${hostOf(url)} does not tell how long the file is.`,
        "Download the file with the browser and open it from disk.",
      );
    }
    const sizeBytes = lengthOf(response);
    if (sizeBytes !== null && sizeBytes <= WHOLE_FILE_BYTES) return { url, sizeBytes, etag };
    throw noRanges(url);
  });
}

/** A small JSON document. Throws as `probe` does, and `network` where it is none. */
export async function fetchJson(url: string, options: RequestOptions): Promise<unknown> {
  return insist(url, "stranger", options, async (request) => {
    const response = await request({ Accept: "application/json" });
    const text = await response.text();
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw broken(url, "sent something that is no JSON");
    }
  });
}

/**
 * Bytes [start, end) of a file. `onBytes` hears how many have arrived, which shrinks when a try was for nothing. Throws as `probe`, and
 * FileChanged where the server now has another file.
 */
export async function fetchRange(
  file: RemoteFile,
  start: number,
  end: number,
  options: RequestOptions & { readonly onBytes?: ((arrived: number) => void) | undefined },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  await insist(file.url, "known", options, async (request, arrived) => {
    const from = start + filled;
    const response = await request({ Range: `bytes=${String(from)}-${String(end - 1)}` });
    const reader = response.body?.getReader();
    if (!reader) throw broken(file.url, "sent no bytes");
    try {
      let skip = response.status === 200 ? from : 0;
      checkIdentity(file, response, from);
      while (filled < bytes.length) {
        const { done, value } = await reader.read();
        if (done) throw broken(file.url, `sent ${String(filled)} of ${String(bytes.length)} bytes`);
        const piece = value.subarray(Math.min(skip, value.length));
        arrived(piece.length);
        skip -= value.length - piece.length;
        if (response.status === 206 && piece.length > bytes.length - filled)
          throw broken(file.url, "sent more than was asked for");
        bytes.set(piece.subarray(0, bytes.length - filled), filled);
        filled += Math.min(piece.length, bytes.length - filled);
        options.onBytes?.(filled);
      }
    } finally {
      void reader.cancel().catch(() => undefined);
    }
  });
  return bytes;
}

type Request = (headers: Record<string, string>) => Promise<Response>;

/** Repeats `attempt` until it succeeds, fails for good, or brought nothing TRIES times in a row. */
async function insist<T>(
  url: string,
  host: "known" | "stranger",
  options: RequestOptions,
  attempt: (request: Request, arrived: (usefulBytes: number) => void) => Promise<T>,
): Promise<T> {
  const { network, signal } = options;
  let change: string | null = null;
  for (let fruitless = 1; ; fruitless++) {
    signal?.throwIfAborted();
    const stall = new AbortController();
    const abort = (): void => stall.abort(signal?.reason);
    signal?.addEventListener("abort", abort);
    let timer = setTimeout(() => stall.abort(), network.stallMs);
    const arrived = (usefulBytes: number): void => {
      if (usefulBytes > 0) fruitless = 0;
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), network.stallMs);
    };
    try {
      return await attempt((headers) => send(url, "GET", headers, options, stall.signal), arrived);
    } catch (error) {
      signal?.throwIfAborted();
      const failed = asFailedTry(error, url, host);
      // Once may be a slip of the host; the same twice is another file.
      if (failed.code === "bad_file" && failed.message === change) throw new FileChanged(change);
      if (failed.code === "bad_file") change = failed.message;
      if (fruitless >= TRIES && change !== null) throw new FileChanged(change);
      if (fruitless >= TRIES) throw new EngineError(failed.code, failed.message, failed.hint);
      const pauseMs =
        Math.min(network.pauseMs * 2 ** Math.max(0, fruitless - 1), LONGEST_PAUSE_MS[host]) * (0.5 + Math.random() / 2);
      await pause(Math.max(pauseMs, Math.min(failed.retryAfterMs, LONGEST_RETRY_AFTER_MS)), signal);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}

async function send(
  url: string,
  method: "GET" | "HEAD",
  headers: Record<string, string>,
  { network, token }: RequestOptions,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const mayHave = token && new URL(url).origin === token.origin ? token : null;
  const response = await network.fetch(url, {
    method,
    headers: mayHave ? { ...headers, Authorization: `Bearer ${mayHave.value}` } : headers,
    signal: signal ?? null,
    // The store keeps the bytes; the browser's HTTP cache need not.
    cache: "no-store",
    referrerPolicy: "no-referrer",
  });
  if (response.status === 200 || response.status === 206) return response;
  discard(response);
  throw statusError(url, response, mayHave !== null);
}

/** Compares what a response says of itself with what was asked for and with the file as it was. */
function checkIdentity(file: RemoteFile, response: Response, from: number): void {
  const whole = response.status === 200;
  if (whole && file.sizeBytes > WHOLE_FILE_BYTES) throw noRanges(file.url);
  const range = whole ? null : contentRange(response);
  if (range && range.start !== from)
    throw broken(file.url, `sent bytes from ${String(range.start)} on instead of ${String(from)}`);
  const sizeBytes = whole ? lengthOf(response) : (range?.total ?? file.sizeBytes);
  const etag = response.headers.get("ETag");
  if (sizeBytes !== null && sizeBytes !== file.sizeBytes)
    throw anotherFile(file.url, `of ${String(sizeBytes)} bytes where it had ${String(file.sizeBytes)}`);
  if (etag && file.etag && etag !== file.etag)
    throw anotherFile(file.url, `than before: its ETag was ${file.etag} and is ${etag}`);
}

/** The HEAD request's length, where Content-Range is hidden from other origins. */
async function lengthByHead(url: string, options: RequestOptions): Promise<number | null> {
  return lengthOf(await send(url, "HEAD", {}, options, options.signal));
}

function lengthOf(response: Response): number | null {
  return Number(response.headers.get("Content-Length")) || null;
}

/** Lets go of a body that nobody will read. */
function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined); // one that broke off is gone as well
}

function contentRange(response: Response): { start: number; total: number | null } | null {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
  return match ? { start: Number(match[1]), total: match[2] === "*" ? null : Number(match[2]) } : null;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      if (signal?.aborted) reject(signal.reason instanceof Error ? signal.reason : new DOMException("Stopped.", "AbortError"));
      else resolve();
    }
    signal?.addEventListener("abort", done);
  });
}
