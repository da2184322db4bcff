// Failures in the OpenAI API's shape, with the status codes its clients act upon.
// Source: platform.openai.com/docs/guides/error-codes; openai-node src/core/error.ts.
import { EngineError, type ErrorCode } from "../engine/base/errors.ts";

/** What stands in a refused answer's body, as `error`. */
export interface ApiError {
  readonly message: string;
  readonly type: "invalid_request_error" | "rate_limit_error" | "server_error";
  /** The parameter that is wrong, where one is. */
  readonly param: string | null;
  readonly code: string | null;
}

/** A request that is answered with an error. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly error: ApiError,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(error.message);
  }

  /** As it is sent. */
  response(): Response {
    return Response.json({ error: this.error }, { status: this.status, headers: this.headers });
  }
}

/** The caller's fault. */
export function refused(status: number, message: string, code: string | null, param: string | null = null): Refusal {
  return new Refusal(status, { message, type: "invalid_request_error", param, code });
}

/** Statuses by what went wrong; whatever else goes wrong is a 500. Clients try 429 and 5xx again by themselves. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  bad_request: 400,
  context_full: 400,
  busy: 429,
  disposed: 503,
  engine_gone: 503,
  aborted: 499,
};
/** The API's own names for what has one. */
const NAMES: Partial<Record<ErrorCode, string>> = {
  bad_request: "invalid_value",
  context_full: "context_length_exceeded",
  busy: "rate_limit_exceeded",
  disposed: "model_not_loaded",
  engine_gone: "model_not_loaded",
};

/** What an error of the engine's comes to. `body` is the request's, whose field the message may name. */
export function refusalOf(error: unknown, body: Readonly<Record<string, unknown>> = {}): Refusal {
  if (error instanceof Refusal) return error;
  const { code, message, hint } = EngineError.record(error);
  const status = STATUS[code] ?? 500;
  const type = status === 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error";
  const param = code === "bad_request" ? paramOf(message, body) : code === "context_full" ? "messages" : null;
  const headers = status === 429 ? { "Retry-After": "1" } : undefined;
  return new Refusal(status, { message: hint ? `${message} ${hint}` : message, type, param, code: NAMES[code] ?? code }, headers);
}

/** The engine's messages begin with the field: "temperature is -1; it can be 0 to 10." */
function paramOf(message: string, body: Readonly<Record<string, unknown>>): string | null {
  const path = /^(?:The parameter )?([a-z_]+)((?:\[\d+\]|\.[a-z_]+)*)/.exec(message);
  return path && Object.hasOwn(body, path[1]!) ? path[1]! + path[2]! : null;
}
