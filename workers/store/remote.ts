// A model file on a server, kept in the store: the ByteSource behind a URL or a catalogue entry.
import { shardCount, SHARD_BYTES, type ByteSource } from "../engine/base/source.ts";
import { download, type DownloadOptions } from "./download.ts";
import { FileChanged } from "./failures.ts";
import { fetchRange, NETWORK, probe, type Network } from "./http.ts";
import { nameOf } from "./names.ts";
import { forgetModel, readRecord, RECORD, writeRecord, type ModelRecord } from "./records.ts";
import { isWhole, readShard, storedShards, streamShard } from "./shards.ts";
import { fileAt, firstOf, hostsOf, obtainShard } from "./obtain.ts";
import { mendShard } from "./verify.ts";

export interface OpenOptions extends Omit<DownloadOptions, "network" | "appUrl"> {
  /** Key of the model in the store; default: its first URL. */
  readonly id?: string;
  /** Lower-case hex SHA-256 of the whole file, where it is published: no other file is let through. */
  readonly sha256?: string | null;
  /** Folder of the app, whose service worker may fetch for us; default null: fetch here. */
  readonly appUrl?: string | null;
  readonly network?: Network;
  /** The split model whose file this is; default null. */
  readonly partOf?: string | null;
}

/** A file on a server that can be kept. */
export interface RemoteSource extends ByteSource {
  /** Key of the model in the store. */
  readonly id: string;
  /** Where it comes from; empty where it came from no server. */
  readonly urls: readonly string[];
  /** All of it is in the store: `download` has nothing to do. */
  readonly isStored: boolean;
  /**
   * Brings the whole file into the store and checks it; `shard` does so by itself. What `read` gave before is as the server sent it:
   * read headers again afterwards. Throws as `shard`.
   */
  download(signal?: AbortSignal): Promise<void>;
}

/** So often may the file on the server change, or the server be mistaken about it, under one download. */
const RESTARTS = 8;

/**
 * Opens a file by its URLs, first to last to try. A model that is wholly stored is opened without any request. Nothing is written before
 * `download` or `shard`. Throws `not_found`, `unauthorized`, `no_ranges`, `cross_origin`, `network`, `storage_failed`, `aborted`.
 */
export async function openUrl(urls: readonly string[], options: OpenOptions = {}): Promise<RemoteSource> {
  const id = options.id ?? urls[0]!;
  const settings = withDefaults(options);
  const kept = await readRecord(id);
  const published = options.sha256 ?? null;
  if (kept && kept.sha256 === published && isWhole(kept, await storedShards())) {
    // A copy from a disk knows no address to mend it from.
    return new StoredFile(kept.urls.length > 0 ? kept : { ...kept, urls }, "whole", settings);
  }
  const found = await findFile(id, urls, published, settings);
  return new StoredFile(found, kept && isSameFile(kept, found) ? "part" : "nothing", settings);
}

/**
 * Opens a file by its key in the store alone; null where it isn't there. What is missing of it is fetched from where it came. Throws
 * `storage_failed`.
 */
export async function openStored(id: string, options: Omit<OpenOptions, "id" | "sha256"> = {}): Promise<RemoteSource | null> {
  const kept = await readRecord(id);
  if (!kept || kept.parts.length > 0) return null;
  const whole = isWhole(kept, await storedShards());
  return new StoredFile(kept, whole ? "whole" : "part", withDefaults({ ...options, partOf: kept.partOf }));
}

type Settings = DownloadOptions & Pick<OpenOptions, "partOf">;

function withDefaults(options: OpenOptions): Settings {
  return { ...options, appUrl: options.appUrl ?? null, network: options.network ?? NETWORK };
}

/** Asks the servers, first to last, what the file is now. */
async function findFile(
  id: string,
  urls: readonly string[],
  published: string | null,
  options: DownloadOptions,
): Promise<ModelRecord> {
  const { url, sizeBytes, etag } = await firstOf(urls, (url) => probe(url, options));
  const others = urls.filter((other) => other !== url);
  return { ...RECORD, id, name: nameOf(url), urls: [url, ...others], sizeBytes, etag, sha256: published };
}

/** Whether what is kept of a file is of the file that was found. */
function isSameFile(kept: ModelRecord, found: ModelRecord): boolean {
  if (kept.sizeBytes !== found.sizeBytes || kept.sha256 !== found.sha256) return false;
  return found.sha256 !== null || (kept.etag === found.etag && kept.urls[0] === found.urls[0]);
}

class StoredFile implements RemoteSource {
  private downloading: Promise<void> | null = null;
  /** A shard that was read but not asked for yet: the next one, or the one that a header came from. */
  private ahead: { readonly index: number; readonly bytes: Promise<Uint8Array<ArrayBuffer>> } | null = null;

  constructor(
    private record: ModelRecord,
    /** How much of this very file is in the store. */
    private stored: "nothing" | "part" | "whole",
    private readonly options: Settings,
  ) {}

  get id(): string {
    return this.record.id;
  }

  get name(): string {
    return this.record.name;
  }

  get urls(): readonly string[] {
    return this.record.urls;
  }

  get isStored(): boolean {
    return this.stored === "whole";
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
    const shard = await this.peek(index, signal);
    if (shard) return shard.slice(offset - start, end - start);
    const options = { ...this.options, ...(signal ? { signal } : {}) };
    return firstOf(hostsOf(this.record), (url) => fetchRange(fileAt(this.record, url), offset, end, options));
  }

  async download(signal?: AbortSignal): Promise<void> {
    this.downloading ??= this.bring(signal ?? this.options.signal);
    try {
      await this.downloading;
    } finally {
      this.downloading = null;
    }
  }

  async shard(index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    if (this.stored !== "whole") await this.download(signal);
    const bytes = this.ahead?.index === index ? this.ahead.bytes : this.load(index, signal);
    this.ahead = null;
    const next = index + 1;
    if (next < shardCount(this.sizeBytes)) this.hold(next, this.load(next, signal));
    return bytes;
  }

  pieces(index: number, from?: number, to?: number): AsyncIterable<Uint8Array<ArrayBuffer>> | null {
    if (this.stored !== "whole") return null;
    if (from !== undefined) return streamShard(this.id, index, from, to);
    const { ahead } = this;
    this.ahead = null;
    return ahead?.index === index ? once(ahead.bytes) : streamShard(this.id, index);
  }

  /** A shard without fetching it; null where it is not stored whole. */
  private async peek(index: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.stored === "nothing") return null;
    if (this.stored === "whole") {
      if (this.ahead?.index !== index) this.hold(index, this.load(index, signal));
      return this.ahead?.bytes ?? null;
    }
    const shard = await readShard(this.id, index);
    return shard.state === "whole" ? shard.bytes : null;
  }

  private hold(index: number, bytes: Promise<Uint8Array<ArrayBuffer>>): void {
    this.ahead = { index, bytes };
    bytes.catch(() => (this.ahead = null)); // whoever asks for it hears of it
  }

  /** Brings what is missing; starts over with a new record where the server has another file than before. */
  private async bring(signal: AbortSignal | undefined): Promise<void> {
    const options = { ...this.options, signal };
    for (let restart = 0; ; restart++) {
      await this.adopt();
      try {
        await download(this.record, options);
        this.stored = "whole";
        return;
      } catch (error) {
        if (!(error instanceof FileChanged) || restart === RESTARTS) throw error;
        const { id, urls, sha256: published } = this.record;
        const found = await findFile(id, urls, published, options);
        // A host whose ETag differs from answer to answer is no reason to stop; its size is.
        this.record = restart > 0 ? { ...found, etag: null } : found;
      }
    }
  }

  /** Puts the record into the store; throws away what an earlier file left there. */
  private async adopt(): Promise<void> {
    const kept = await readRecord(this.id);
    const same = kept !== null && isSameFile(kept, this.record);
    if (kept && !same) await forgetModel(this.id);
    const addedMs = same ? kept.addedMs : Date.now();
    this.record = { ...this.record, verified: same && kept.verified, addedMs, partOf: this.options.partOf ?? null };
    await writeRecord(this.record);
    this.stored = "part";
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

async function* once(bytes: Promise<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  yield await bytes;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
