// Is it the file that was published? And if not, which shard is wrong?
import { EngineError } from "../engine/base/errors.ts";
import { shardCount } from "../engine/base/source.ts";
import type { Arrivals } from "./arrivals.ts";
import { runningSha256, sha256 } from "./checksum.ts";
import type { RequestOptions } from "./http.ts";
import { readShard, writeRecord, type ModelRecord } from "./records.ts";
import { fetchShard, keepShard, obtainShard } from "./shard.ts";

/** Fetches of one shard before it is given up: a line that damages four of five copies still gives two right ones. */
const COPIES = 12;

/**
 * Hashes the shards in order as they arrive; on a mismatch fetches them again until the bad one is found and replaced, and marks the
 * record verified. Throws `damaged` where the published hash cannot be reached.
 */
export async function verify(record: ModelRecord, published: string, arrivals: Arrivals, options: RequestOptions): Promise<void> {
  const hash = await runningSha256();
  const states: Uint8Array[] = [];
  const count = shardCount(record.sizeBytes);
  const hashFrom = async (first: number, take: (index: number) => Promise<Uint8Array>): Promise<boolean> => {
    for (let index = first; index < count; index++) {
      options.signal?.throwIfAborted();
      states[index] = hash.save();
      hash.update(await take(index));
    }
    return hash.finish() === published;
  };
  const fromStore = async (index: number): Promise<Uint8Array> => obtainShard(record, index, options);
  let right = await hashFrom(0, async (index) => (await arrivals.take(index)) ?? fromStore(index));
  for (let index = 0; index < count && !right; index++) {
    if (!(await replaceIfDamaged(record, index, options))) continue;
    hash.restore(states[index]!);
    right = await hashFrom(index, fromStore);
  }
  if (!right)
    throw new EngineError(
      "damaged",
      `${record.name} does not have its published SHA-256, though every shard was fetched again.`,
      "The host has another file than it should: try again later, or choose another source.",
    );
  await writeRecord({ ...record, verified: true });
}

/** Fetches a shard until two copies agree (the stored one counts). True where the stored one was wrong, and is replaced. */
async function replaceIfDamaged(record: ModelRecord, index: number, options: RequestOptions): Promise<boolean> {
  const stored = await readShard(record.id, index);
  const original = stored.state === "whole" ? stored.check.sha256 : null;
  const seen = new Set([original]);
  for (let copy = 1; copy <= COPIES; copy++) {
    const bytes = await fetchShard(record, index, options);
    const hash = await sha256(bytes);
    if (hash === original) return false;
    if (seen.has(hash)) {
      await keepShard(record, index, bytes);
      return true;
    }
    seen.add(hash);
  }
  return false;
}

/**
 * Replaces a shard that was whole when it arrived and is not now. Throws `damaged` where the server no longer has what arrived then.
 */
export async function mendShard(
  record: ModelRecord,
  index: number,
  expected: string,
  options: RequestOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  for (let copy = 1; copy <= COPIES; copy++) {
    const bytes = await fetchShard(record, index, options);
    if ((await sha256(bytes)) !== expected) continue;
    await keepShard(record, index, bytes);
    return bytes;
  }
  throw new EngineError(
    "damaged",
    `Shard ${String(index)} of ${record.name} was damaged in the browser's storage, and its host now has other bytes there.`,
    "Remove the model and download it again.",
  );
}
