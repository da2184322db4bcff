// A model file on a server, kept in the store: the ByteSource behind a URL or a catalogue entry.
import { EngineError } from "../engine/base/errors.ts";
import { shardCount, SHARD_BYTES, type ByteSource } from "../engine/base/source.ts";
import { download, type DownloadOptions } from "./download.ts";
import { fetchRange, FileChanged, NETWORK, probe, type Network, type RemoteFile } from "./http.ts";
import { forgetModel, readRecord, writeRecord, type ModelRecord } from "./records.ts";
import { readShard, readSlice, storedShards } from "./shards.ts";
import { fileAt, firstOf, obtainShard } from "./obtain.ts";
import { mendShard } from "./verify.ts";

export interface OpenOptions extends Omit<DownloadOptions, "network" | "appUrl"> {
  /** Key of the model in the store; default: its first URL. */
  readonly id?: string;
  /** Lower-case hex SHA-256 of the whole file, where it is published: no other file is let through. */
  readonly sha256?: string | null;
  /** Folder of the app, whose service worker may fetch for us; default null: fetch here. */
  readonly appUrl?: string | null;
  readonly network?: Network;
}

/** A file on a server that can be kept. */
export interface RemoteSource extends ByteSource {
  /** Key of the model in the store. */
  readonly id: string;
  /**
   * Brings the whole file into the store and checks it; `shard` does so by itself. What `read` gave before is as the server sent it:
   * read headers again afterwards. Throws as `shard`.
   */
  download(signal?: AbortSignal): Promise<void>;
}

/** Starts over so often when the file on the server changes under a download. */
const RESTARTS = 3;

/**
 * Opens a file by its URLs, first to last to try. A model that is wholly stored is opened without any request. Nothing is written before
 * `download` or `shard`. Throws `not_found`, `unauthorized`, `no_ranges`, `cross_origin`, `network`, `storage_failed`, `aborted`.
 */
export async function openUrl(urls: readonly string[], options: OpenOptions = {}): Promise<RemoteSource> {
  const id = options.id ?? urls[0]!;
  const settings: DownloadOptions = { ...options, appUrl: options.appUrl ?? null, network: options.network ?? NETWORK };
  const kept = await readRecord(id);
  const published = options.sha256 ?? null;
  if (kept && kept.sha256 === published && (await isComplete(kept))) return new StoredFile(kept, settings);
  return new StoredFile(await recordOf(id, urls, published, kept, settings), settings);
}

async function isComplete(record: ModelRecord): Promise<boolean> {
  const stored = (await storedShards()).get(record.id)?.size ?? 0;
  return stored === shardCount(record.sizeBytes) && (record.sha256 === null || record.verified);
}

/** Asks the servers what the file is now. Goes on with what is kept if it is the same file. */
async function recordOf(
  id: string,
  urls: readonly string[],
  published: string | null,
  kept: ModelRecord | null,
  options: DownloadOptions,
): Promise<ModelRecord> {
  const found = await firstOf(urls, (url) => probe(url, options));
  const same =
    kept !== null &&
    kept.sizeBytes === found.sizeBytes &&
    kept.sha256 === published &&
    (published !== null || sameFile(kept, found));
  const others = urls.filter((url) => url !== found.url);
  return {
    id,
    name: nameOf(found.url),
    urls: [found.url, ...others],
    sizeBytes: found.sizeBytes,
    etag: found.etag,
    sha256: published,
    verified: same && kept.verified,
  };
}

function sameFile(kept: ModelRecord, found: RemoteFile): boolean {
  return kept.urls[0] === found.url && kept.etag === found.etag;
}

class StoredFile implements RemoteSource {
  private complete: Promise<void> | null = null;
  /** The shard after the one asked for last, on its way. */
  private ahead: { readonly index: number; readonly bytes: Promise<Uint8Array<ArrayBuffer>> } | null = null;

  constructor(
    private record: ModelRecord,
    private readonly options: DownloadOptions,
  ) {}

  get id(): string {
    return this.record.id;
  }

  get name(): string {
    return this.record.name;
  }

  get sizeBytes(): number {
    return this.record.sizeBytes;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const end = Math.min(offset + length, this.sizeBytes);
    if (offset >= end) return new Uint8Array(0);
    const index = Math.floor(offset / SHARD_BYTES);
    const start = index * SHARD_BYTES;
    if (end > start + SHARD_BYTES)
      return join(
        await this.read(offset, start + SHARD_BYTES - offset, signal),
        await this.read(start + SHARD_BYTES, end - start - SHARD_BYTES, signal),
      );
    const stored = await readSlice(this.id, index, offset - start, end - start);
    if (stored) return stored;
    const options = { ...this.options, ...(signal ? { signal } : {}) };
    return firstOf(this.record.urls, (url) => fetchRange(fileAt(this.record, url), offset, end, options));
  }

  async download(signal?: AbortSignal): Promise<void> {
    this.complete ??= this.bring(signal ?? this.options.signal);
    try {
      await this.complete;
    } catch (error) {
      this.complete = null;
      throw error;
    }
  }

  async shard(index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    await this.download(signal);
    const bytes = this.ahead?.index === index ? this.ahead.bytes : this.load(index, signal);
    this.ahead = null;
    const next = index + 1;
    if (next < shardCount(this.sizeBytes)) {
      this.ahead = { index: next, bytes: this.load(next, signal) };
      this.ahead.bytes.catch(() => undefined); // whoever asks for it hears of it
    }
    return bytes;
  }

  /** Brings what is missing; starts over with a new record where the server has another file than before. */
  private async bring(signal: AbortSignal | undefined): Promise<void> {
    const options = { ...this.options, signal };
    for (let restart = 0; ; restart++) {
      await this.adopt();
      try {
        await download(this.record, options);
        return;
      } catch (error) {
        const changed = error instanceof FileChanged;
        if (!changed) throw error;
        if (restart === RESTARTS)
          throw new EngineError(
            "network",
            `${error.message} It changed ${String(RESTARTS)} times while it was downloaded.`,
            "Try again later.",
          );
        const { id, urls, sha256: published } = this.record;
        const found = await recordOf(id, urls, published, null, options);
        // A host whose ETag differs from answer to answer is no reason to stop; its size is.
        this.record = restart > 0 ? { ...found, etag: null } : found;
      }
    }
  }

  /** Puts the record into the store; throws away what an earlier file left there. */
  private async adopt(): Promise<void> {
    const kept = await readRecord(this.id);
    const { sizeBytes, sha256: published, etag, urls } = this.record;
    const same =
      kept !== null &&
      kept.sizeBytes === sizeBytes &&
      kept.sha256 === published &&
      (published !== null || (kept.etag === etag && kept.urls[0] === urls[0]));
    if (kept && !same) await forgetModel(this.id);
    await writeRecord(same && kept.verified ? { ...this.record, verified: true } : this.record);
    this.record = { ...this.record, verified: same && kept.verified };
  }

  /** A shard from the store. One that is damaged there is fetched again, alone. */
  private async load(index: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const options = { ...this.options, signal: signal ?? this.options.signal };
    const stored = await readShard(this.id, index);
    if (stored.state === "whole") return stored.bytes;
    if (stored.state === "missing") return obtainShard(this.record, index, options);
    return mendShard(this.record, index, stored.check.sha256, options);
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** "https://host/a/model.gguf?download=true" -> "model.gguf". */
function nameOf(url: string): string {
  const { pathname, host } = new URL(url);
  return decodeURIComponent(pathname.split("/").at(-1) ?? "") || host;
}
