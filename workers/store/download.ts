// A whole model file into the store: several shards at once, what is there already left alone, the published hash checked in order.
import { shardCount } from "../engine/base/source.ts";
import type { LoadProgress } from "../engine/base/wire.ts";
import { Arrivals } from "./arrivals.ts";
import { askServiceWorker, hasServiceWorker, onProgress as onShardProgress } from "./courier.ts";
import type { RequestOptions } from "./http.ts";
import { Meter } from "./meter.ts";
import type { ModelRecord } from "./records.ts";
import { bytesOf, storedShards } from "./shards.ts";
import { obtainShard } from "./obtain.ts";
import { verify } from "./verify.ts";

/** Shards on their way at once: enough to fill a fast line in spite of round trips, few enough to lose little. */
const LANES = 4;

export interface DownloadOptions extends RequestOptions {
  /** Where the app and its service worker live; null to download here. */
  readonly appUrl: string | null;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Brings every missing shard of a recorded model into the store and checks the published hash. What has arrived stays when it throws:
 * as `obtainShard`, and `damaged` where the file doesn't have its published hash however often it is fetched.
 */
export async function download(record: ModelRecord, options: DownloadOptions): Promise<void> {
  const stored = (await storedShards()).get(record.id) ?? new Set<number>();
  const count = shardCount(record.sizeBytes);
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !stored.has(index));
  if (missing.length === 0 && (record.verified || record.sha256 === null)) return;

  const { appUrl } = options;
  let serviceWorker = appUrl !== null && (await hasServiceWorker(appUrl, options.signal)) ? appUrl : null;
  const stop = new AbortController();
  const abort = (): void => stop.abort(options.signal?.reason);
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener("abort", abort);
  const meter = new Meter(bytesOf(record.sizeBytes, stored), record.sizeBytes, options.onProgress);
  const stopListening = onShardProgress(record.id, (index, arrived) => meter.arrived(index, arrived));
  const arrivals = new Arrivals(stored);
  const queue = [...missing];
  const { token = null } = options;
  const { signal } = stop;
  const obtain = async (index: number): Promise<Uint8Array<ArrayBuffer>> => {
    const delivered = serviceWorker === null ? null : await askServiceWorker(serviceWorker, record.id, index, token, signal);
    if (delivered) return delivered;
    serviceWorker = null; // It died: we do without.
    return obtainShard(record, index, { ...options, signal, onBytes: (arrived) => meter.arrived(index, arrived) });
  };
  const lane = async (): Promise<void> => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      const bytes = await obtain(index);
      meter.arrived(index, bytes.length);
      arrivals.add(index, bytes);
    }
  };
  try {
    const checking =
      record.sha256 === null || record.verified ? null : verify(record, record.sha256, arrivals, { ...options, signal });
    const work = [...Array.from({ length: LANES }, lane), ...(checking ? [checking] : [])];
    // One that fails ends all: without it, three lanes would go on writing to a full disk.
    for (const part of work) part.catch((error: unknown) => (stop.abort(error), arrivals.fail(error)));
    await Promise.all(work);
  } finally {
    options.signal?.removeEventListener("abort", abort);
    stopListening();
    meter.finish();
  }
}
