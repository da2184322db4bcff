// What the store's tests share: shards of 4 kB, an empty IndexedDB, a hub on localhost.
import "fake-indexeddb/auto";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { afterEach, vi } from "vitest";
import type { Network } from "../../../workers/store/http.ts";
import { createHub, type Hub, type HubFile, type HubOptions } from "../../golden/hub.ts";

/** Length of a shard in these tests: the code is the same, the files are small. */
export const SMALL_SHARD = 4096;

vi.mock("../../../workers/engine/base/source.ts", () => ({
  SHARD_BYTES: 4096,
  shardCount: (sizeBytes: number) => Math.ceil(sizeBytes / 4096),
}));
vi.stubGlobal("navigator", { onLine: true, storage: { estimate: async () => ({ quota: 2e9, usage: 1.5e9 }) } });

/** Patience of a test. */
export const NETWORK: Network = { fetch: (url, init) => fetch(url, init), stallMs: 300, pauseMs: 1 };

/** Bytes without a pattern that a mistake could repeat. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) bytes[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const open: Hub[] = [];

export interface TestHub extends Hub {
  readonly url: string;
  readonly file: HubFile;
}

/** A hub that serves "model.gguf" and ends with the test. */
export async function startHub(
  bytes: Uint8Array,
  options: HubOptions = {},
): Promise<Hub & { readonly url: string; readonly file: HubFile }> {
  const file = { bytes, etag: '"1"' };
  const hub = createHub({ "model.gguf": file }, options);
  hub.server.listen(0, "127.0.0.1");
  await once(hub.server, "listening");
  open.push(hub);
  const address = hub.server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { ...hub, file, url: `http://127.0.0.1:${String(port)}/model.gguf` };
}

afterEach(() => {
  for (const { server } of open.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});
