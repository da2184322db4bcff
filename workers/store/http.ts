// Bytes of a file on a server, by Range requests: tries again where that may help, goes on where it broke off, and says what is wrong.
import { EngineError, type ErrorCode } from "../engine/base/errors.ts";

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

export interface RequestOptions {
  readonly network: Network;
  /** Sent as a bearer token where a host wants one. */
  readonly token?: string | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const NETWORK: Network = { fetch: (url, init) => fetch(url, init), stallMs: 20_000, pauseMs: 250 };

/** Tries in a row that bring nothing before a request is given up: 8 is the longest run of a line that serves one of any five tries. */
const TRIES = 9;
/** A refusal by CORS looks like a broken line: pauses between tries are short until a host has answered. */
const LONGEST_PAUSE_MS = { known: 2000, stranger: 300 };
/** Longest pause a server's Retry-After is granted. */
const LONGEST_RETRY_AFTER_MS = 30_000;
/** A host without ranges sends the whole file for each shard: tolerable up to this size. */
export const WHOLE_FILE_BYTES = 64 * 1024 * 1024;

/** A try that failed and may be repeated; when tries run out, `code` and `message` become the error. */
class FailedTry extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint: string,
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

/** Thrown where the file is another than it was: its size or its ETag differs. */
export class FileChanged extends Error {}

/** Asks for size and ETag. Throws `not_found`, `unauthorized`, `no_ranges`, `cross_origin`, `network`, `aborted`. */
export async function probe(url: string, options: RequestOptions): Promise<RemoteFile> {
  return insist(url, "stranger", options, async (request) => {
    const response = await request({ Range: "bytes=0-0" });
    void response.body?.cancel();
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
    const sizeBytes = Number(response.headers.get("Content-Length"));
    if (sizeBytes > 0 && sizeBytes <= WHOLE_FILE_BYTES) return { url, sizeBytes, etag };
    throw noRanges(url);
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
  await insist(file.url, "known", options, async (request, progress) => {
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
        progress();
        const piece = value.subarray(Math.min(skip, value.length));
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
  attempt: (request: Request, progress: () => void) => Promise<T>,
): Promise<T> {
  const { network, signal } = options;
  for (let fruitless = 1; ; fruitless++) {
    signal?.throwIfAborted();
    const stall = new AbortController();
    const abort = (): void => stall.abort(signal?.reason);
    signal?.addEventListener("abort", abort);
    let timer = setTimeout(() => stall.abort(), network.stallMs);
    const progress = (): void => {
      fruitless = 0;
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), network.stallMs);
    };
    try {
      return await attempt((headers) => send(url, headers, options, stall.signal), progress);
    } catch (error) {
      signal?.throwIfAborted();
      const failed = asFailedTry(error, url, host);
      if (fruitless >= TRIES) {
        if (failed.code === "bad_file") throw new FileChanged(failed.message);
        throw new EngineError(failed.code, failed.message, failed.hint);
      }
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
  headers: Record<string, string>,
  options: RequestOptions,
  signal: AbortSignal,
): Promise<Response> {
  const { network, token } = options;
  const response = await network.fetch(url, {
    headers: token ? { ...headers, Authorization: `Bearer ${token}` } : headers,
    signal,
    // The store keeps the bytes; the browser's HTTP cache need not.
    cache: "no-store",
    referrerPolicy: "no-referrer",
  });
  if (response.status === 200 || response.status === 206) return response;
  void response.body?.cancel();
  throw statusError(url, response);
}

function statusError(url: string, response: Response): Error {
  const { status } = response;
  const host = hostOf(url);
  if (status === 404 || status === 410)
    return new EngineError(
      "not_found",
      `${host} has no such file (HTTP ${String(status)}): ${url}`,
      "Check the address, or choose another model.",
    );
  if (status === 401 || status === 403)
    return new EngineError(
      "unauthorized",
      `${host} does not give this file to everybody (HTTP ${String(status)}).`,
      "Accept the model's licence there and give an access token, or download the file and open it from disk.",
    );
  if (status === 416) return new FailedTry("bad_file", `${host} says that the file is shorter than it was (HTTP 416).`, "");
  const again = status === 408 || status === 425 || status === 429 || status >= 500;
  const message = `${host} answered HTTP ${String(status)}${status === 429 ? ": too many requests" : ""}.`;
  const hint = "Try again later: what has arrived is kept.";
  return again
    ? new FailedTry("network", message, hint, 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0)
    : new EngineError("network", message, hint);
}

/** Compares what a response says of itself with what was asked for and with the file as it was. */
function checkIdentity(file: RemoteFile, response: Response, from: number): void {
  if (response.status === 200) {
    if (file.sizeBytes > WHOLE_FILE_BYTES) throw noRanges(file.url);
  } else {
    const range = contentRange(response);
    if (range && range.start !== from)
      throw broken(file.url, `sent bytes from ${String(range.start)} on instead of ${String(from)}`);
    if (range && range.total !== null && range.total !== file.sizeBytes)
      throw new FailedTry(
        "bad_file",
        `${hostOf(file.url)} has a file of ${String(range.total)} bytes where it had ${String(file.sizeBytes)}.`,
        "",
      );
  }
  const etag = response.headers.get("ETag");
  if (etag && file.etag && etag !== file.etag)
    throw new FailedTry(
      "bad_file",
      `${hostOf(file.url)} has another file than before: its ETag was ${file.etag} and is ${etag}.`,
      "",
    );
}

/** The HEAD request's length, where Content-Range is hidden from other origins. */
async function lengthByHead(url: string, options: RequestOptions): Promise<number | null> {
  const init: RequestInit = { method: "HEAD", cache: "no-store", referrerPolicy: "no-referrer", signal: options.signal ?? null };
  const response = await options.network.fetch(
    url,
    options.token ? { ...init, headers: { Authorization: `Bearer ${options.token}` } } : init,
  );
  return Number(response.headers.get("Content-Length")) || null;
}

function contentRange(response: Response): { start: number; total: number | null } | null {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
  return match ? { start: Number(match[1]), total: match[2] === "*" ? null : Number(match[2]) } : null;
}

function asFailedTry(error: unknown, url: string, host: "known" | "stranger"): FailedTry {
  if (error instanceof FailedTry) return error;
  if (error instanceof EngineError) throw error;
  const name = error instanceof Error ? error.name : "";
  if (name === "AbortError") return broken(url, "fell silent");
  if (name !== "TypeError") throw error;
  // fetch gives one TypeError for a dead line, an unknown host and a refusal by CORS, and tells nobody which.
  const foreign = host === "stranger" && "location" in globalThis && new URL(url).origin !== location.origin;
  if (!foreign || !navigator.onLine)
    return broken(url, navigator.onLine ? "broke the connection" : "cannot be reached: the network is off");
  return new FailedTry(
    "cross_origin",
    `${hostOf(url)} did not answer, or does not let other pages read its files (CORS).`,
    "Check the connection; else download the file with the browser and open it from disk.",
  );
}

function broken(url: string, what: string): FailedTry {
  return new FailedTry(
    "network",
    `${hostOf(url)} ${what}, ${String(TRIES)} times in a row.`,
    "Check the connection and try again: what has arrived is kept.",
  );
}

function noRanges(url: string): EngineError {
  return new EngineError(
    "no_ranges",
    `${hostOf(url)} sends only whole files (it ignores Range requests), and this one is larger than ${String(WHOLE_FILE_BYTES / 2 ** 20)} MiB.`,
    "Download the file with the browser and open it from disk.",
  );
}

function hostOf(url: string): string {
  return new URL(url).host;
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
