// From what a person or a page names (catalogue id, URL, hub address, stored id) to a source of bytes that can be kept.
import { findInCatalogue } from "./catalogue.ts";
import { EngineError } from "../engine/base/errors.ts";
import type { ByteSource } from "../engine/base/source.ts";
import type { Access, CatalogueEntry, LoadProgress, ModelDefaults } from "../engine/base/wire.ts";
import { joinSplit, type JoinedSource } from "../engine/gguf/join.ts";
import { chooseModel, modelsOf } from "./hub-models.ts";
import { withOffers } from "../store/full.ts";
import { fileUrl, parseHubAddress, readRepository, type HubAddress, type HubFile, type HubRepository } from "../store/hub.ts";
import { NETWORK } from "../store/http.ts";
import { holdModel } from "../store/locks.ts";
import { findModel, listModels } from "../store/models.ts";
import { asOnnx, GRAPH, onnxAround, onnxInRepository } from "./onnx-sources.ts";
import { modelUrl, partUrls, quantizationIn, wholeName } from "../store/names.ts";
import { openStored, openUrl, type OpenOptions } from "../store/remote.ts";
import { openSplit, openStoredSplit, type PartAddress, type SplitSource } from "../store/split.ts";
import { tokenFor } from "../store/tokens.ts";

/** Where sources come from, besides what is asked for. */
export interface Surroundings {
  readonly appUrl: string;
  readonly catalogue: () => Promise<readonly CatalogueEntry[]>;
}

export interface SourceOptions extends Partial<Access> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** A model that was found, of one file or several. */
export interface OpenedModel {
  /** Key in the store. */
  readonly id: string;
  /** As the catalogue calls it; null where only the file can say. */
  readonly name: string | null;
  readonly source: ByteSource;
  readonly defaults: ModelDefaults | null;
  /** Number of files it comes in. */
  readonly parts: number;
  /** Every file's hash is published. */
  readonly hashed: boolean;
  /** Brings what is missing into the store; null where nothing is. Headers that were read before have to be read again afterwards. */
  readonly download: ((signal?: AbortSignal) => Promise<void>) | null;
}

/** Where a model's files are, and what is known of it. */
export interface Place {
  readonly id: string;
  readonly name: string | null;
  readonly files: readonly PartAddress[];
  readonly defaults: ModelDefaults | null;
}

/**
 * Finds and opens a model. One that is wholly stored is opened without any request. Throws what asking hosts throws, and `not_found` where
 * nothing is known under this name.
 */
export async function openModel(text: string, surroundings: Surroundings, options: SourceOptions): Promise<OpenedModel> {
  const found = await find(text, surroundings, options);
  if ("source" in found) return found;
  const { id, name, files, defaults } = found;
  const settings = await openOptions(files[0]!.urls, surroundings, options);
  const hashed = files.every(({ sha256 }) => sha256 !== null);
  const known = { id, name, defaults, hashed, parts: files.length };
  if (files.length > 1) return { ...known, ...(await openParts(id, await openSplit(id, files, settings))) };
  const source = await openUrl(files[0]!.urls, { ...settings, id, sha256: files[0]!.sha256 });
  return { ...known, source, download: source.isStored ? null : keeping(id, (signal) => source.download(signal)) };
}

/** A stored model by its key; null where it is not wholly stored. */
export async function openKept(id: string, surroundings: Surroundings, options: SourceOptions): Promise<OpenedModel | null> {
  const stored = await findModel(id).catch(() => null); // without storage nothing is stored
  if (!stored?.complete) return null;
  const settings = await openOptions(stored.url ? [stored.url] : [], surroundings, options);
  const known = { id, name: null, defaults: null, hashed: stored.verified, parts: stored.parts };
  const split = await openStoredSplit(id, settings);
  if (split) return { ...known, ...(await openParts(id, split)), download: null };
  const source = await openStored(id, settings);
  return source && { ...known, source, download: null };
}

/** The addresses behind a URL: its own, or those of all parts of a split model. */
function filesAt(urls: readonly string[], sha256: string | null): PartAddress[] {
  const parts = urls.map(partUrls);
  const count = Math.min(...parts.map(({ length }) => length));
  return Array.from({ length: count }, (_, i) => ({ urls: parts.map((all) => all[i]!), sha256: count === 1 ? sha256 : null }));
}

/** What is asked of hosts for addresses of a model: the token for the first of them that has one. */
async function openOptions(
  urls: readonly string[],
  { appUrl }: Surroundings,
  { token = null, signal, onProgress }: SourceOptions,
): Promise<Omit<OpenOptions, "id" | "sha256" | "network" | "partOf">> {
  // The app's own server has no models behind a token.
  const foreign = urls.find((url) => new URL(url).origin !== new URL(appUrl).origin);
  return { appUrl, signal, onProgress, token: foreign ? await tokenFor(foreign, token) : null };
}

async function find(text: string, surroundings: Surroundings, options: SourceOptions): Promise<Place | OpenedModel> {
  const hub = parseHubAddress(text, options.hub ?? undefined);
  if (hub) return (await openKeptFromHub(hub, surroundings, options)) ?? placeOnHub(hub, options);
  if (text.includes("/") && URL.canParse(text)) {
    const id = modelUrl(text);
    const kept = await openKept(id, surroundings, options);
    return kept ?? { id, defaults: null, ...(await filesBehind(text, options)) };
  }
  const entries = await surroundings.catalogue();
  const choice = findInCatalogue(entries, text);
  if (choice) {
    const { id, entry, file } = choice;
    return { id, name: entry.name, files: filesAt(file.urls, file.sha256), defaults: entry.defaults };
  }
  const kept = await openKept(text, surroundings, options);
  if (kept) return kept;
  throw new EngineError(
    "not_found",
    `There is no model "${text}" in the catalogue, and none of that key is stored.`,
    `Give the URL of a GGUF file, "owner/repository" of Hugging Face, or one of: ${entries.map(({ id }) => id).join(", ")}.`,
  );
}

/** Key of a hub's file in the store: its address under the revision that was asked for. */
function hubKey(address: HubAddress, path: string): string {
  return modelUrl(fileUrl(address, address.revision, path));
}

/** What is stored of a repository is enough where it has the wanted file: then the hub need not be asked, or be there. */
async function openKeptFromHub(hub: HubAddress, surroundings: Surroundings, options: SourceOptions): Promise<OpenedModel | null> {
  if (hub.path !== null) return openKept(hubKey(hub, hub.path), surroundings, options);
  const stored = await listModels().catch(() => []);
  const start = fileUrl(hub, hub.revision, "");
  const wanted = hub.quantization?.toUpperCase() ?? null;
  const here = stored.filter(
    ({ id, name, complete }) => complete && id.startsWith(start) && (wanted === null || quantizationIn(name) === wanted),
  );
  return here.length === 1 ? openKept(here[0]!.id, surroundings, options) : null;
}

async function placeOnHub(hub: HubAddress, options: SourceOptions): Promise<Place> {
  const repository = await readIfPossible(hub, options);
  if (!repository) {
    const url = fileUrl(hub, hub.revision, hub.path!);
    return { id: modelUrl(url), name: null, files: filesAt([url], null), defaults: null };
  }
  const models = modelsOf(repository.files);
  const onnx = models.length === 0 || GRAPH.test(hub.path ?? "") ? onnxInRepository(hub, repository) : null;
  if (onnx) return { id: hubKey(hub, hub.path ?? `onnx/${hub.quantization ?? ""}`), defaults: null, ...onnx };
  const { path, files } = chooseModel(hub, models);
  // Of the commit that was read, so that all shards are of one file, whatever is pushed meanwhile.
  const address = ({ path, sha256 }: HubFile): PartAddress => ({ urls: [fileUrl(hub, repository.commit, path)], sha256 });
  return { id: hubKey(hub, path), name: null, files: files.map(address), defaults: null };
}

/** A GGUF file by itself or in parts, or a graph with the files beside it. */
async function filesBehind(url: string, options: SourceOptions): Promise<Pick<Place, "files" | "name">> {
  if (!GRAPH.test(new URL(url).pathname)) return { name: null, files: filesAt([url], null) };
  return onnxAround(url, { network: NETWORK, token: await tokenFor(url, options.token ?? null), signal: options.signal });
}

/** What the hub says of a repository. Null where it can't be had and a file's own address may do without. */
async function readIfPossible(hub: HubAddress, options: SourceOptions): Promise<HubRepository | null> {
  const token = await tokenFor(hub.hub, options.token ?? null);
  try {
    return await readRepository(hub, { network: NETWORK, token, signal: options.signal });
  } catch (error) {
    if (hub.path !== null && ["network", "cross_origin", "not_found"].includes(EngineError.record(error).code)) return null;
    throw error;
  }
}

/** The files of a split model as one, made anew after the download: what a server said before was not checked. */
async function openParts(id: string, split: SplitSource): Promise<Pick<OpenedModel, "source" | "download">> {
  const { parts } = split;
  const onnx = asOnnx(parts);
  if (onnx) {
    const bring = (signal?: AbortSignal): Promise<void> => split.download(signal);
    return { source: onnx, download: parts.every(({ isStored }) => isStored) ? null : keeping(id, bring) };
  }
  const name = wholeName(parts[0]!.name);
  const source = new Replaceable(await joinSplit(name, parts));
  const download = async (signal?: AbortSignal): Promise<void> => {
    await split.download(signal);
    source.inner = await joinSplit(name, parts, signal);
  };
  return { source, download: parts.every(({ isStored }) => isStored) ? null : keeping(id, download) };
}

/** A source that is exchanged under its reader. */
class Replaceable implements JoinedSource {
  constructor(public inner: JoinedSource) {}

  get name(): string {
    return this.inner.name;
  }

  get sizeBytes(): number {
    return this.inner.sizeBytes;
  }

  get stretches(): JoinedSource["stretches"] {
    return this.inner.stretches;
  }

  get parts(): JoinedSource["parts"] {
    return this.inner.parts;
  }

  read: ByteSource["read"] = (...words) => this.inner.read(...words);
  shard: ByteSource["shard"] = (...words) => this.inner.shard(...words);
  pieces: NonNullable<ByteSource["pieces"]> = (...words) => this.inner.pieces?.(...words) ?? null;
}

/** A download that other tabs see, and whose full disk is told with what could be removed. */
function keeping(id: string, download: (signal?: AbortSignal) => Promise<void>): (signal?: AbortSignal) => Promise<void> {
  return async (signal) => {
    const release = await holdModel(id, "shared", signal);
    try {
      await withOffers(id, () => download(signal));
    } finally {
      release();
    }
  };
}
