// A model that is made here (copied from a disk, converted from another format), written to the store shard by shard.
import { EngineError } from "../engine/base/errors.ts";
import { SHARD_BYTES } from "../engine/base/source.ts";
import type { ModelOrigin } from "../engine/base/wire.ts";
import { holdModel } from "./locks.ts";
import { forgetModel, readRecord, RECORD, writeRecord, type ModelRecord } from "./records.ts";
import { storedShards, writeShard } from "./shards.ts";

/** A model to be written. */
export interface NewModel {
  /** Key in the store, and what `load` is given later: "own:" and what tells it from others. */
  readonly id: string;
  /** File name, for people: "my-model.Q8_0.gguf". */
  readonly name: string;
  readonly origin: ModelOrigin;
  /** Length of the file; null where it is known only at the end. */
  readonly sizeBytes: number | null;
  /**
   * Describes what is written (sources with their lengths and dates, options): what was kept of an earlier try goes on only under the same
   * one. The same recipe has to give the same bytes.
   */
  readonly recipe: string;
}

/**
 * Writes one model from its first byte to its last. A tab that dies loses the shard it was in: `createModel` with the same recipe goes on at
 * `keptBytes`.
 */
export interface ModelWriter {
  readonly id: string;
  /** Bytes of the file that are in the store, whole shards: what `append` gets next begins there. 0 for a new file. */
  readonly keptBytes: number;
  /**
   * Appends bytes of any number; resolves when they may be overwritten. A full shard is written and read back on the way. Throws `disk_full`,
   * `storage_failed`, and `aborted` where the model was removed meanwhile.
   */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Writes the rest and lists the model as whole. `sha256` is that of the file, lower-case hex, where it was taken and agrees with a published
   * one. Throws as `append`, and `internal` where the length is not the one that was announced.
   */
  finish(sha256?: string): Promise<void>;
  /** Lets go without finishing: what was written stays for a next try. After `finish` it does nothing. */
  close(): void;
}

/**
 * Begins a model, or goes on with one that was begun under the same recipe; one under another recipe is dropped first. One tab at a time:
 * others wait. Throws `disk_full`, `storage_failed`, `aborted`.
 *
 * ```ts
 * const writer = await createModel({ id: "own:tiny", name: "tiny.gguf", origin: "conversion", sizeBytes: null, recipe });
 * try {
 *   for await (const bytes of convertFrom(writer.keptBytes)) await writer.append(bytes);
 *   await writer.finish();
 * } finally {
 *   writer.close();
 * }
 * ```
 */
export async function createModel(model: NewModel, signal?: AbortSignal): Promise<ModelWriter> {
  const release = await holdModel(model.id, "exclusive", signal);
  try {
    const kept = await readRecord(model.id);
    const same = kept?.draft === true && kept.etag === model.recipe && kept.sizeBytes === (model.sizeBytes ?? 0);
    if (kept && !same) await forgetModel(model.id);
    const { id, name, origin, recipe, sizeBytes } = model;
    const record: ModelRecord = same
      ? kept
      : { ...RECORD, id, name, origin, urls: [], sizeBytes: sizeBytes ?? 0, etag: recipe, addedMs: Date.now(), draft: true };
    await writeRecord(record);
    const stored = (await storedShards()).get(id) ?? new Set();
    let next = 0;
    while (stored.has(next)) next++;
    return new ShardWriter(record, next, release);
  } catch (error) {
    release();
    throw error;
  }
}

class ShardWriter implements ModelWriter {
  readonly keptBytes: number;
  private readonly shard = new Uint8Array(SHARD_BYTES);
  private filled = 0;

  constructor(
    private readonly record: ModelRecord,
    private next: number,
    private readonly release: () => void,
  ) {
    this.keptBytes = next * SHARD_BYTES;
  }

  get id(): string {
    return this.record.id;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const piece = bytes.subarray(from, from + SHARD_BYTES - this.filled);
      this.shard.set(piece, this.filled);
      this.filled += piece.length;
      from += piece.length;
      if (this.filled === SHARD_BYTES) await this.flush();
    }
  }

  async finish(sha256?: string): Promise<void> {
    const sizeBytes = this.next * SHARD_BYTES + this.filled;
    const { id, name, sizeBytes: announced } = this.record;
    if (announced !== 0 && announced !== sizeBytes)
      throw new EngineError("internal", `${name} was to have ${String(announced)} bytes and has ${String(sizeBytes)}.`);
    if (this.filled > 0) await this.flush();
    const kept = await readRecord(id);
    if (!kept) throw removed(name);
    await writeRecord({ ...kept, sizeBytes, draft: false, sha256: sha256 ?? null, verified: sha256 !== undefined });
    this.release();
  }

  close(): void {
    this.release();
  }

  private async flush(): Promise<void> {
    const bytes = this.shard.subarray(0, this.filled);
    if (!(await writeShard(this.record, this.next, bytes))) throw removed(this.record.name);
    this.next++;
    this.filled = 0;
  }
}

function removed(name: string): EngineError {
  return new EngineError("aborted", `${name} was removed while it was written.`);
}
