// What went wrong with a request, in words, and whether another try may help.
import { EngineError, type ErrorCode } from "../engine/base/errors.ts";

/** Tries in a row that bring nothing before a request is given up: 8 is the longest run of a line that serves one of any five tries. */
export const TRIES = 9;
/** A host without ranges sends the whole file for each shard: tolerable up to this size. */
export const WHOLE_FILE_BYTES = 64 * 1024 * 1024;

const LATER = "Check the connection and try again: what has arrived is kept.";

/** A try that failed and may be repeated; when tries run out, `code` and `message` become the error. */
export class FailedTry extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint: string,
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

/** The file on the server is another than it was: its size or its ETag differs. */
export class FileChanged extends EngineError {
  constructor(message: string) {
    super("damaged", message, "Try again: the file is then downloaded anew.");
  }
}

/** What an HTTP status other than 200 and 206 means: a FailedTry where the next answer may be another. `known` says that a token was sent. */
export function statusError(url: string, response: Response, known: boolean): Error {
  const { status } = response;
  const host = hostOf(url);
  // Hugging Face hides what is private: it answers 401 for repositories that do not exist.
  const reason = response.headers.get("X-Error-Code") ?? "";
  if (status === 404 || status === 410 || (known && reason === "RepoNotFound"))
    return new EngineError(
      "not_found",
      `${host} has no such ${reason === "RepoNotFound" ? "repository" : "file"} (HTTP ${String(status)}): ${url}`,
      "Check the address, or choose another model.",
    );
  if (status === 401 || status === 403) return refused(host, status, reason, known);
  if (status === 416) return new FailedTry("bad_file", `${host} says that the file is shorter than it was (HTTP 416).`, "");
  const again = status === 408 || status === 425 || status === 429 || status >= 500;
  const message = `${host} answered HTTP ${String(status)}${status === 429 ? ": too many requests" : ""}.`;
  const hint = "Try again later: what has arrived is kept.";
  return again
    ? new FailedTry("network", message, hint, 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0)
    : new EngineError("network", message, hint);
}

function refused(host: string, status: number, reason: string, known: boolean): EngineError {
  const answer = `(HTTP ${String(status)})`;
  if (reason === "RepoNotFound")
    return new EngineError(
      "unauthorized",
      `${host} has no public repository of this name ${answer}.`,
      "Check its name; if it is private, give an access token.",
    );
  if (known)
    return new EngineError(
      "unauthorized",
      `${host} does not give this file to the owner of this token ${answer}.`,
      "Accept the model's licence on its page there, and check that the token may read it.",
    );
  return new EngineError(
    "unauthorized",
    `${host} does not give this file to everybody ${answer}.`,
    "Accept the model's licence on its page there and give an access token, or download the file and open it from disk.",
  );
}

/** The file is another than it was; when tries run out, FileChanged says so. */
export function anotherFile(url: string, how: string): FailedTry {
  return new FailedTry("bad_file", `${hostOf(url)} has another file ${how}.`, "");
}

/**
 * A failure of fetch or of a body as a FailedTry; throws what no other try can mend. `host` says whether this one has answered us before:
 * then it is no refusal by CORS.
 */
export function asFailedTry(error: unknown, url: string, host: "known" | "stranger"): FailedTry {
  if (error instanceof FailedTry) return error;
  if (error instanceof EngineError) throw error;
  const name = error instanceof Error ? error.name : "";
  if (name === "AbortError") return broken(url, "fell silent");
  if (name !== "TypeError") throw error;
  // fetch gives one TypeError for a dead line, an unknown host and a refusal by CORS, and tells nobody which.
  const foreign = host === "stranger" && "location" in globalThis && new URL(url).origin !== location.origin;
  if (!navigator.onLine) return new FailedTry("network", `${hostOf(url)} cannot be reached: the network is off.`, LATER);
  if (!foreign) return broken(url, "broke the connection");
  return new FailedTry(
    "cross_origin",
    `${hostOf(url)} did not answer, or does not let other pages read its files (CORS).`,
    "Check the connection; else download the file with the browser and open it from disk.",
  );
}

/** The answer was cut off or contradicts itself. */
export function broken(url: string, what: string): FailedTry {
  return new FailedTry("network", `${hostOf(url)} ${what}, ${String(TRIES)} times in a row.`, LATER);
}

/** The host cannot give the middle of a file. */
export function noRanges(url: string): EngineError {
  return new EngineError(
    "no_ranges",
    `${hostOf(url)} sends only whole files (it ignores Range requests), and this one is larger than ${String(WHOLE_FILE_BYTES / 2 ** 20)} MiB.`,
    "Download the file with the browser and open it from disk.",
  );
}

/** "huggingface.co", for people. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
