// What the engine asks of the place where models come from and are kept.
import type { AdapterRequest } from "./base/adapters.ts";
import type { ByteSource } from "./base/source.ts";
import type { Access, CatalogueEntry, LoadProgress, ModelDefaults, ModelPreview, ModelSource, StoredModel } from "./base/wire.ts";

/** A model file found, and what is known of it besides its bytes. */
export interface FoundModel {
  /** Key of the model in the store. */
  readonly id: string;
  /** As the catalogue calls it; null where only the file can say. */
  readonly name: string | null;
  readonly source: ByteSource;
  readonly defaults: ModelDefaults | null;
  /** Brings what is missing into the store; null where nothing is. */
  readonly download: ((signal: AbortSignal) => Promise<void>) | null;
  /** Throws `crashed_before` where the model took the tab down twice in a row. */
  refuseAfterCrashes(): Promise<void>;
  /** Marks dangerous work, so that a tab that dies of it is noticed. The result ends the mark. */
  markWork(): Promise<() => Promise<void>>;
}

export interface FindOptions extends Partial<Access> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** Where models come from and are kept: the browser's store, or a double of it. Everything throws `EngineError`s. */
export interface Library {
  find(source: ModelSource, options: FindOptions): Promise<FoundModel>;
  preview(source: ModelSource, access?: Partial<Access>): Promise<ModelPreview>;
  /** The files of an adapter. */
  adapterFiles(request: AdapterRequest, signal: AbortSignal): Promise<readonly ByteSource[]>;
  catalogue(): Promise<readonly CatalogueEntry[]>;
  stored(): Promise<readonly StoredModel[]>;
  remove(id: string): Promise<void>;
  removeEverything(): Promise<void>;
}
