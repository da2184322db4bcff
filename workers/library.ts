// Models by catalogue id, URL or file, as the store has them: what the engine's api asks of the browser.
import type { FindOptions, FoundModel, Library } from "./engine/api.ts";
import { EngineError } from "./engine/base/errors.ts";
import type { CatalogueEntry, ModelDefaults, ModelPreview, ModelSource } from "./engine/base/wire.ts";
import { readModelFile } from "./engine/model-file.ts";
import { crashesOf, markWork, refuseAfterCrashes } from "./store/crashes.ts";
import { openFiles } from "./files.ts";
import { fileId } from "./store/local.ts";
import { listModels, removeModel, storedBytes, wipe } from "./store/models.ts";
import { openUrl } from "./store/remote.ts";
import { freeBytes } from "./store/room.ts";
import { isRecordOf } from "./store/shape.ts";

/** The library of an app whose files, its catalogue among them, lie in the folder `appUrl`. */
export function createLibrary(appUrl: string): Library {
  let reading: Promise<readonly CatalogueEntry[]> | null = null;
  const catalogue = (): Promise<readonly CatalogueEntry[]> => {
    reading ??= readCatalogue(appUrl).catch((error: unknown) => {
      reading = null;
      throw error;
    });
    return reading;
  };
  const open = async (source: ModelSource, options: FindOptions): Promise<FoundModel> => {
    if (typeof source === "string") return openAddress(await addressOf(source, catalogue), appUrl, options);
    return openLocal("length" in source ? source : [source]);
  };
  return {
    catalogue,
    find: open,
    preview: async (source) => {
      const entry =
        typeof source === "string" && !URL.canParse(source) ? (await catalogue()).find(({ id }) => id === source) : undefined;
      return entry ? describeEntry(entry) : describeFound(await open(source, {}));
    },
    stored: listModels,
    remove: removeModel,
    removeEverything: wipe,
  };
}

/** Where a model on a server is, and what the catalogue knows of it. */
interface Address {
  readonly id: string;
  readonly name: string | null;
  readonly urls: readonly string[];
  readonly sha256: string | null;
  readonly defaults: ModelDefaults | null;
}

async function addressOf(source: string, catalogue: () => Promise<readonly CatalogueEntry[]>): Promise<Address> {
  if (URL.canParse(source)) return { id: source, name: null, urls: [downloadUrl(source)], sha256: null, defaults: null };
  const entries = await catalogue();
  const entry = entries.find(({ id }) => id === source);
  if (entry) return entry;
  const known = entries.map(({ id }) => id).join(", ");
  throw new EngineError(
    "not_found",
    `There is no model "${source}" in the catalogue.`,
    `Give the URL of a GGUF file, or one of: ${known}.`,
  );
}

/** The page of a file on Hugging Face is what people copy; the file itself is one word away. */
function downloadUrl(url: string): string {
  return url.replace(/^(https:\/\/huggingface\.co\/[^/]+\/[^/]+)\/blob\//, "$1/resolve/");
}

async function openAddress(
  { id, name, urls, sha256, defaults }: Address,
  appUrl: string,
  options: FindOptions,
): Promise<FoundModel> {
  const source = await openUrl(urls, { id, sha256, appUrl, ...options });
  const missing = (await storedBytes(id)) < source.sizeBytes;
  const download = missing ? (signal: AbortSignal) => source.download(signal) : null;
  return { name, source, defaults, download, ...guardOf(id, name ?? source.name) };
}

async function openLocal(files: readonly File[]): Promise<FoundModel> {
  const source = await openFiles(files);
  return { name: null, source, defaults: null, download: null, ...guardOf(fileId(files), source.name) };
}

/** Counts the deaths of tabs against a model. */
function guardOf(id: string, name: string): Pick<FoundModel, "id" | "refuseAfterCrashes" | "markWork"> {
  return { id, refuseAfterCrashes: () => refuseAfterCrashes(id, name), markWork: () => markWork(id) };
}

async function describeEntry({ id, name, sizeBytes, defaults }: CatalogueEntry): Promise<ModelPreview> {
  return {
    id,
    name,
    sizeBytes,
    defaults,
    storedBytes: await storedBytes(id),
    freeBytes: await freeBytes(),
    crashes: await crashesOf(id),
  };
}

/** Reads the file's header, so that what cannot run is refused before it is downloaded. */
async function describeFound({ id, source, defaults }: FoundModel): Promise<ModelPreview> {
  const { name } = await readModelFile(source);
  const { sizeBytes } = source;
  return {
    id,
    name,
    sizeBytes,
    defaults,
    storedBytes: await storedBytes(id),
    freeBytes: await freeBytes(),
    crashes: await crashesOf(id),
  };
}

async function readCatalogue(appUrl: string): Promise<readonly CatalogueEntry[]> {
  const response = await fetch(new URL("catalogue.json", appUrl));
  if (!response.ok) throw unreadable(`HTTP ${response.status}`);
  const entries: unknown = await response.json();
  if (!Array.isArray(entries) || !entries.every(isEntry)) throw unreadable("it is no list of models");
  return entries.map((entry) => ({ ...entry, urls: entry.urls.map((url) => new URL(url, appUrl).href) }));
}

const isNamedFile = isRecordOf<Omit<CatalogueEntry, "defaults">>({
  id: "string",
  name: "string",
  urls: "strings",
  sizeBytes: "number",
  sha256: "string?",
  quantization: "string",
  parameters: "number",
  licence: "string",
  homepage: "string",
});
const hasSystem = isRecordOf<Pick<ModelDefaults, "system">>({ system: "string" });

function isEntry(value: unknown): value is CatalogueEntry {
  return isNamedFile(value) && "defaults" in value && (value.defaults === null || isDefaults(value.defaults));
}

function isDefaults(value: unknown): value is ModelDefaults {
  if (!hasSystem(value) || !("sampling" in value) || typeof value.sampling !== "object" || value.sampling === null) return false;
  return Object.values(value.sampling).every((setting) => typeof setting === "number");
}

function unreadable(reason: string): EngineError {
  return new EngineError(
    "network",
    `The list of models cannot be read: ${reason}.`,
    "Reload the page, or open a GGUF file from your disk.",
  );
}
