// A split model on a server: its files are kept one by one, each with its own hash, under one entry of the list.
import { EngineError } from "../engine/base/errors.ts";
import type { LoadProgress } from "../engine/base/wire.ts";
import { wholeName } from "./names.ts";
import { readRecord, RECORD, writeRecord, type ModelRecord } from "./records.ts";
import { openStored, openUrl, type OpenOptions, type RemoteSource } from "./remote.ts";
import { bytesOf, storedShards } from "./shards.ts";

/** One file of a split model. */
export interface PartAddress {
  /** First to last to try. */
  readonly urls: readonly string[];
  /** Lower-case hex, where it is published. */
  readonly sha256: string | null;
}

/** A split model that can be kept. */
export interface SplitSource {
  readonly id: string;
  /** The files, in order. */
  readonly parts: readonly RemoteSource[];
  /** Brings all files into the store, one after the other; see `RemoteSource.download`. */
  download(signal?: AbortSignal): Promise<void>;
}

/** Opens the files of a split model; what is stored of them is not asked about again. Throws as `openUrl`. */
export async function openSplit(
  id: string,
  addresses: readonly PartAddress[],
  options: Omit<OpenOptions, "id" | "sha256" | "partOf"> = {},
): Promise<SplitSource> {
  const { onProgress } = options;
  const meter = new PartMeter(addresses.length, onProgress);
  const parts = await Promise.all(
    addresses.map(({ urls, sha256 }, part) =>
      openUrl(urls, {
        ...options,
        id: partId(id, part),
        partOf: id,
        sha256,
        onProgress: (progress) => meter.says(part, progress),
      }),
    ),
  );
  return new Split(id, parts, meter);
}

/** Opens a split model by its key in the store alone; null where it isn't there. Throws `damaged` where one of its files is missing. */
export async function openStoredSplit(id: string, options: Omit<OpenOptions, "id" | "sha256"> = {}): Promise<SplitSource | null> {
  const kept = await readRecord(id);
  if (!kept || kept.parts.length === 0) return null;
  const meter = new PartMeter(kept.parts.length, options.onProgress);
  const parts = await Promise.all(
    kept.parts.map(async (part, index) => {
      const source = await openStored(part, { ...options, onProgress: (progress) => meter.says(index, progress) });
      if (source) return source;
      throw new EngineError("damaged", `A file of ${kept.name} was never begun.`, "Download the model again from where it came.");
    }),
  );
  return new Split(id, parts, meter);
}

const partId = (id: string, part: number): string => `${id} part ${String(part + 1)}`;

class Split implements SplitSource {
  constructor(
    readonly id: string,
    readonly parts: readonly RemoteSource[],
    private readonly meter: PartMeter,
  ) {}

  async download(signal?: AbortSignal): Promise<void> {
    const stored = await storedShards();
    this.meter.begin(this.parts.map(({ id, sizeBytes }) => ({ sizeBytes, storedBytes: bytesOf(sizeBytes, stored.get(id)) })));
    await this.adopt(await readRecord(this.id));
    for (const part of this.parts) {
      await part.download(signal);
      const kept = await readRecord(this.id);
      if (!kept) throw new EngineError("aborted", `${wholeName(part.name)} was removed while it was downloaded.`);
      await this.adopt(kept); // a file that changed on its server has another length now
    }
  }

  /** Puts the entry of the list into the store. */
  private async adopt(kept: ModelRecord | null): Promise<void> {
    const [first] = this.parts;
    const record: ModelRecord = {
      ...RECORD,
      id: this.id,
      name: wholeName(first!.name),
      urls: first!.urls,
      sizeBytes: this.parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      addedMs: kept?.addedMs ?? Date.now(),
      parts: this.parts.map(({ id }) => id),
    };
    await writeRecord(record);
  }
}

/** Adds up the progress of files that come one after the other. */
class PartMeter {
  private readonly done: number[];
  private totalBytes = 0;

  constructor(
    count: number,
    private readonly report: ((progress: LoadProgress) => void) | undefined,
  ) {
    this.done = new Array<number>(count).fill(0);
  }

  /** What there is to do, and what is done already. */
  begin(files: readonly { readonly sizeBytes: number; readonly storedBytes: number }[]): void {
    for (const [part, { storedBytes }] of files.entries()) this.done[part] = storedBytes;
    this.totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  says(part: number, progress: LoadProgress): void {
    this.done[part] = progress.doneBytes;
    const doneBytes = this.done.reduce((sum, bytes) => sum + bytes, 0);
    this.report?.({ ...progress, doneBytes, totalBytes: this.totalBytes });
  }
}
