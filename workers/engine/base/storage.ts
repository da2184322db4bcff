// What crosses between a page and the store's worker: what is kept, what hosts offer, and what is done with it. Plain data only.
import type { AdapterRequest } from "./adapters.ts";
import type { CheckpointPreview, CheckpointRequest, Conversion, ConversionRequest } from "./conversion.ts";
import type { Access, LoadProgress, ModelDefaults, Outlet, Reply, StoredModel } from "./wire.ts";

/** How far a download, a copy or an export is. */
export type StoreProgress = Pick<LoadProgress, "doneBytes" | "totalBytes" | "bytesPerSecond">;

/** What the browser says of its room. Chromium's `quotaBytes` is a guess: only a failed write knows better. */
export interface Room {
  /** What this site uses of it; null where the browser doesn't say. */
  readonly usageBytes: number | null;
  readonly quotaBytes: number | null;
  /** quotaBytes - usageBytes. */
  readonly freeBytes: number | null;
  /** What the stored models take, counted by us. */
  readonly modelsBytes: number;
  /** What models have read of conversations, so that they need not read it again. */
  readonly readingsBytes: number;
  /** The browser keeps the site's data also when the disk runs full. */
  readonly persistent: boolean;
}

/** A GGUF model among the files of a repository, or alone at an address. */
export interface OfferedModel {
  /** What to give to `load` and `downloadModel`. */
  readonly address: string;
  /** Path in the repository, or the file's name; of a split model without "-00001-of-0000N". */
  readonly name: string;
  /** All its files together. */
  readonly sizeBytes: number;
  /** "Q4_K_M", as the name has it; null where it has none. */
  readonly quantization: string | null;
  /** Number of files it comes in. */
  readonly parts: number;
  /** Every file's hash is published, and will be checked. */
  readonly hashed: boolean;
  /** Bytes of it that are here already. */
  readonly storedBytes: number;
}

/** A repository of a hub. */
export interface OfferedRepository {
  /** "owner/name". */
  readonly repository: string;
  /** Its page. */
  readonly page: string;
  /** Branch, tag or commit that was looked at. */
  readonly revision: string;
  /** The commit that this is. */
  readonly commit: string;
  /** Branches and tags there are; [revision] where the host doesn't say. */
  readonly revisions: readonly string[];
  /** Its makers want to be asked first: a licence to accept, and a token. */
  readonly gated: boolean;
  /** "apache-2.0", as the repository's tags have it; null where they don't say. */
  readonly licence: string | null;
  /** Its GGUF models, smallest first. */
  readonly models: readonly OfferedModel[];
  /** Paths and sizes of everything that is no GGUF file. */
  readonly otherFiles: readonly { readonly path: string; readonly sizeBytes: number }[];
}

/** What is behind an address: one model, or a repository to choose from. */
export type Offer =
  | { readonly kind: "model"; readonly model: OfferedModel; readonly defaults: ModelDefaults | null }
  | { readonly kind: "repository"; readonly repository: OfferedRepository };

/** What crosses the wire to the worker that fetches, copies and keeps models. `job` names a call that can be stopped. */
export interface StoreApi {
  room(): Promise<Reply<Room>>;
  look(job: number, address: string, access: Partial<Access>): Promise<Reply<Offer>>;
  /** Brings a model into the store without loading it. What has arrived stays when it is stopped: the next call goes on there. */
  download(job: number, address: string, access: Partial<Access>, progress: Outlet<StoreProgress>): Promise<Reply<StoredModel>>;
  /** Copies a file (all files of a split model) from the disk into the store. Goes on where an earlier copy of it ended. */
  keep(job: number, files: readonly File[], progress: Outlet<StoreProgress>): Promise<Reply<StoredModel>>;
  /** Writes a stored model into a file, shard by shard, each checked; what was in the file stays until the end. */
  write(job: number, id: string, target: FileSystemFileHandle, progress: Outlet<StoreProgress>): Promise<Reply<null>>;
  /** Checks a stored model and gives it as one Blob, which refers to the stored shards and holds no copy of them. */
  gather(job: number, id: string, progress: Outlet<StoreProgress>): Promise<Reply<Blob>>;
  /** Looks at a model of another form than GGUF. */
  inspect(job: number, request: CheckpointRequest): Promise<Reply<CheckpointPreview>>;
  /** Converts one into the store. Goes on where an earlier conversion of the same files to the same type ended. */
  convert(job: number, request: ConversionRequest, progress: Outlet<StoreProgress>): Promise<Reply<Conversion>>;
  /** The files of an adapter at an address, whole: they are small, and the page keeps them. */
  adapterFiles(job: number, request: AdapterRequest): Promise<Reply<File[]>>;
  /** Keeps an access token for a host's origin ("https://huggingface.co") in this browser; null forgets it. */
  keepToken(origin: string, token: string | null): Promise<Reply<null>>;
  /** Origins for which a token is kept. */
  tokenOrigins(): Promise<Reply<readonly string[]>>;
  /** Forgets what models have read of a conversation; of all where it is null. */
  forgetReadings(conversation: string | null): Promise<Reply<null>>;
  /** Ends a job between two pieces. An unknown or finished job is no error. */
  stop(job: number): Promise<void>;
}
