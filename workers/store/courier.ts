// Between the engine's worker and the service worker: a shard is asked for by a same-origin URL, its progress comes over a channel.
import { EngineError, ERROR_CODES, type ErrorRecord } from "../engine/base/errors.ts";
import { FileChanged } from "./failures.ts";
import type { Token } from "./http.ts";
import { isRecordOf } from "./shape.ts";

/** Path of a shard, relative to the service worker's scope. */
export function shardPath(id: string, index: number): string {
  return `shards/${encodeURIComponent(id)}/${String(index)}`;
}

/** What a shard's URL names; null for any other URL. */
export function parseShardUrl(url: string, scope: string): { readonly id: string; readonly index: number } | null {
  const match = url.startsWith(scope) ? /^shards\/([^/]+)\/(\d+)$/.exec(url.slice(scope.length)) : null;
  return match ? { id: decodeURIComponent(match[1]!), index: Number(match[2]) } : null;
}

/**
 * Marks an answer as the service worker's own (a static host may send its start page for any path) and says what it is: a shard's bytes,
 * "ask again" (browsers end a service worker's event after some minutes), that the server has another file than the record says, or an error
 * as data. All with status 200 or 204: browsers write others to the console.
 */
export const FROM_SERVICE_WORKER = "X-Cria-Service-Worker";

export type Answer = "here" | "shard" | "ask again" | "file changed" | "error";

/** An address that any host of the app has an answer for, and the service worker one of its own. */
const ROLL_CALL = "catalogue.json?service-worker";

/** Whether a request only asks if the service worker is in charge. */
export function isRollCall(url: string, scope: string): boolean {
  return url === scope + ROLL_CALL;
}

/** Whether a service worker is in charge of this worker: no host has to be asked for a shard to find out. */
export async function hasServiceWorker(appUrl: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const response = await fetch(new URL(ROLL_CALL, appUrl), { signal: signal ?? null, cache: "no-store" });
    void response.body?.cancel();
    return response.headers.has(FROM_SERVICE_WORKER);
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

/** Says how many bytes of a shard have arrived. */
export interface ShardProgress {
  readonly id: string;
  readonly index: number;
  readonly arrivedBytes: number;
}

const isShardProgress = isRecordOf<ShardProgress>({ id: "string", index: "number", arrivedBytes: "number" });
const isErrorRecord = isRecordOf<ErrorRecord>({ code: "string", message: "string", hint: "string" });

/** Names the origin that a shard request's token is for. */
const TOKEN_ORIGIN = "X-Cria-Token-Origin";

/** The token that came with a request for a shard. */
export function tokenOf(headers: Headers): Token | null {
  const [origin, value] = [headers.get(TOKEN_ORIGIN), headers.get("Authorization")?.replace(/^Bearer /, "")];
  return origin && value ? { origin, value } : null;
}

/** The channel all tabs and the service worker tell each other of arriving bytes on. */
export function progressChannel(): BroadcastChannel {
  return new BroadcastChannel("cria-shards");
}

/** Listens for the progress of one model's shards until the returned function is called. */
export function onProgress(id: string, listener: (index: number, arrivedBytes: number) => void): () => void {
  if (!("BroadcastChannel" in globalThis)) return () => undefined;
  const channel = progressChannel();
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isShardProgress(data) && data.id === id) listener(data.index, data.arrivedBytes);
  };
  return () => channel.close();
}

/**
 * Asks the service worker for a shard. Null where none is in charge of this worker, or it died on the way. Throws what it reports:
 * see `obtainShard`.
 */
export async function askServiceWorker(
  appUrl: string,
  id: string,
  index: number,
  token: Token | null,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const headers: Record<string, string> = token ? { [TOKEN_ORIGIN]: token.origin, Authorization: `Bearer ${token.value}` } : {};
  for (;;) {
    try {
      const response = await fetch(new URL(shardPath(id, index), appUrl), { headers, signal, cache: "no-store" });
      const answer = response.headers.get(FROM_SERVICE_WORKER);
      if (answer === "shard") return new Uint8Array(await response.arrayBuffer());
      if (answer === "file changed") throw new FileChanged(await response.text());
      if (answer === "error") throw reviveError(await response.json());
      if (answer !== "ask again") return null;
    } catch (error) {
      if (error instanceof EngineError) throw error;
      signal.throwIfAborted();
      return null;
    }
  }
}

function reviveError(body: unknown): EngineError {
  const code = isErrorRecord(body) ? ERROR_CODES.find((known) => known === body.code) : undefined;
  return isErrorRecord(body) && code
    ? new EngineError(code, body.message, body.hint)
    : new EngineError("internal", "The service worker failed.", "Reload the page.");
}
