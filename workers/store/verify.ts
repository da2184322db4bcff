// Is it the file that was published? And if not, which shard is wrong?
import { EngineError } from "../engine/base/errors.ts";
import { shardCount } from "../engine/base/source.ts";
import type { Arrivals } from "./arrivals.ts";
import { Ballot } from "./ballot.ts";
import { runningSha256, sha256, type RunningHash } from "./checksum.ts";
import { FileChanged } from "./failures.ts";
import type { RequestOptions } from "./http.ts";
import { writeRecord, type ModelRecord } from "./records.ts";
import { fetchShard, keepShard, obtainShard } from "./obtain.ts";

/** Times a file is fetched again before it is given up, where copies differ: a line that damages four of five copies gives two right ones. */
const ROUNDS = 9;
/** The same where all copies agree: a host that has another file, or one that repeats its mistake. */
const ROUNDS_WHEN_EQUAL = 5;

/**
 * Hashes the shards in order as they arrive; on a mismatch fetches them again until the bad ones are found and replaced, and marks the
 * record verified. Throws `damaged` where the published hash cannot be reached.
 */
export async function verify(record: ModelRecord, published: string, arrivals: Arrivals, options: RequestOptions): Promise<void> {
  const check = new FileCheck(record, published, await runningSha256(), options);
  const right = await check.hashes(0, async (index) => (await arrivals.take(index)) ?? check.stored(index));
  if (!right && !(await check.repair())) {
    throw new EngineError(
      "damaged",
      `${record.name} does not have its published SHA-256, though every shard was fetched again.`,
      "The host has another file than it should: try again later, or choose another source.",
    );
  }
  await writeRecord({ ...record, verified: true });
}

/** Replaces a shard that was whole when it arrived and is not now. Throws `damaged` where the server no longer has what arrived then. */
export async function mendShard(
  record: ModelRecord,
  index: number,
  expected: string,
  options: RequestOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    for (let copy = 1; copy <= ROUNDS; copy++) {
      const bytes = await fetchShard(record, index, options);
      if ((await sha256(bytes)) !== expected) continue;
      await keepShard(record, index, bytes);
      return bytes;
    }
  } catch (error) {
    if (!(error instanceof FileChanged)) throw error;
  }
  throw new EngineError(
    "damaged",
    `Shard ${String(index)} of ${record.name} was damaged in the browser's storage, and its host now has other bytes there.`,
    "Remove the model and download it again.",
  );
}

/** One attempt to reach a published hash. */
class FileCheck {
  private readonly count: number;
  /** The hash's state before each shard, as far as the stored shards go. */
  private readonly states: Uint8Array[] = [];

  constructor(
    private readonly record: ModelRecord,
    private readonly published: string,
    private readonly hash: RunningHash,
    private readonly options: RequestOptions,
  ) {
    this.count = shardCount(record.sizeBytes);
  }

  stored(index: number): Promise<Uint8Array<ArrayBuffer>> {
    return obtainShard(this.record, index, this.options);
  }

  /** Whether the file has the published hash with the shards that `take` gives from `first` on, and the stored ones before. */
  async hashes(first: number, take: (index: number) => Promise<Uint8Array>): Promise<boolean> {
    if (first > 0) this.hash.restore(this.states[first]!);
    for (let index = first; index < this.count; index++) {
      this.options.signal?.throwIfAborted();
      if (this.states.length === index) this.states.push(this.hash.save());
      this.hash.update(await take(index));
    }
    const right = this.hash.finish() === this.published;
    this.hash.restore(this.states[0]!);
    return right;
  }

  /** Fetches shard after shard again, and tries the file with every copy that differs. True when it is right, and stored. */
  async repair(): Promise<boolean> {
    const ballot = new Ballot();
    for (let index = 0; index < this.count; index++) ballot.enter(index, await sha256(await this.stored(index)));
    for (let round = 1; round <= (ballot.differ ? ROUNDS : ROUNDS_WHEN_EQUAL); round++) {
      for (let index = 0; index < this.count; index++) {
        const bytes = await fetchShard(this.record, index, this.options);
        const isNew = ballot.vote(index, await sha256(bytes), bytes);
        if (isNew && (await this.settle(ballot.leading(index)))) return true;
      }
      for (const choice of ballot.choices(round === ROUNDS)) if (await this.settle(choice)) return true;
    }
    return false;
  }

  /** Tries the file with some shards replaced; if it is right then, stores them. */
  private async settle(replaced: ReadonlyMap<number, Uint8Array<ArrayBuffer>>): Promise<boolean> {
    if (replaced.size === 0) return false;
    const right = await this.hashes(Math.min(...replaced.keys()), async (index) => replaced.get(index) ?? this.stored(index));
    if (right) for (const [index, bytes] of replaced) await keepShard(this.record, index, bytes);
    return right;
  }
}
