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

/** Marks an answer as the service worker's own: a static host may send its start page for any path. */
export const FROM_SERVICE_WORKER = "X-Cria-Service-Worker";

/** "Still at it, ask again": browsers end a service worker's event after some minutes. */
export const STILL_FETCHING = 202;

/** The server has another file than the record says. */
export const FILE_CHANGED = 409;

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
    let response: Response;
    try {
      response = await fetch(new URL(shardPath(id, index), appUrl), { headers, signal, cache: "no-store" });
      if (!response.headers.has(FROM_SERVICE_WORKER)) {
        void response.body?.cancel();
        return null;
      }
      if (response.status === 200) return new Uint8Array(await response.arrayBuffer());
    } catch {
      signal.throwIfAborted();
      return null;
    }
    if (response.status === FILE_CHANGED) throw new FileChanged(await response.text());
    if (response.status !== STILL_FETCHING) throw reviveError(await response.json());
  }
}

function reviveError(body: unknown): EngineError {
  const code = isErrorRecord(body) ? ERROR_CODES.find((known) => known === body.code) : undefined;
  return isErrorRecord(body) && code
    ? new EngineError(code, body.message, body.hint)
    : new EngineError("internal", "The service worker failed.", "Reload the page.");
}
