// Models by catalogue id, URL or file, as the store has them: what the engine's api asks of the browser.
import { openAdapterFiles } from "./adapter-files.ts";
import { findInCatalogue, readCatalogue, type CatalogueChoice } from "./catalogue.ts";
import type { FindOptions, FoundModel, Library } from "../engine/library.ts";
import type { CatalogueEntry, ModelPreview, ModelSource } from "../engine/base/wire.ts";
import { readLoadable } from "../engine/loadable.ts";
import { openFiles } from "./files.ts";
import { openModel } from "./sources.ts";
import { crashesOf, markWork, refuseAfterCrashes } from "../store/crashes.ts";
import { fileId } from "../store/local.ts";
import { findModel, listModels, removeModel, storedBytes, wipe } from "../store/models.ts";
import { freeBytes } from "../store/room.ts";

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
  const surroundings = { appUrl, catalogue };
  const open = async (source: ModelSource, options: FindOptions): Promise<FoundModel> => {
    if (typeof source !== "string") return openLocal("length" in source ? source : [source], options.signal);
    const opened = await openModel(source, surroundings, options);
    return { ...opened, ...guardOf(opened.id, opened.name ?? opened.source.name) };
  };
  return {
    catalogue,
    find: open,
    preview: async (source, access = {}) => {
      const choice = typeof source === "string" && !source.includes("/") ? findInCatalogue(await catalogue(), source) : null;
      return choice ? describeChoice(choice) : describeFound(await open(source, access));
    },
    adapterFiles: async (request, signal) => (await openAdapterFiles(request, signal)).map(({ source }) => source),
    stored: listModels,
    remove: removeModel,
    removeEverything: wipe,
  };
}

async function openLocal(files: readonly File[], signal: AbortSignal | undefined): Promise<FoundModel> {
  const source = await openFiles(files, signal);
  return { name: null, source, defaults: null, download: null, ...guardOf(fileId(files), source.name) };
}

/** Counts the deaths of tabs against a model. */
function guardOf(id: string, name: string): Pick<FoundModel, "id" | "refuseAfterCrashes" | "markWork"> {
  return { id, refuseAfterCrashes: () => refuseAfterCrashes(id, name), markWork: () => markWork(id) };
}

async function describeChoice({ id, entry, file }: CatalogueChoice): Promise<ModelPreview> {
  const kept = await findModel(id).catch(() => null); // what cannot be read of the store, is not in it
  return {
    id,
    name: entry.name,
    sizeBytes: kept?.sizeBytes ?? file.sizeBytes,
    defaults: entry.defaults,
    storedBytes: await storedBytes(id),
    freeBytes: await freeBytes(),
    crashes: await crashesOf(id),
  };
}

/** Reads the file's header, so that what cannot run is refused before it is downloaded. */
async function describeFound({ id, source, defaults }: FoundModel): Promise<ModelPreview> {
  const { name } = await readLoadable(source);
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
