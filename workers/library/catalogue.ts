// Reads public/catalogue.json, checks it once, and finds the file that an id means: "id", or "id:Q8_0" for another quantization.
import { EngineError } from "../engine/base/errors.ts";
import type { CatalogueEntry, CatalogueFile, ModelDefaults } from "../engine/base/wire.ts";
import { isRecordOf } from "../store/shape.ts";

/** A file of the catalogue, and the model it is of. */
export interface CatalogueChoice {
  /** Key of the file in the store: the id as it was asked for. */
  readonly id: string;
  readonly entry: CatalogueEntry;
  readonly file: CatalogueFile;
}

/** The catalogue in the folder `appUrl`, with whole addresses. Throws `network` where it cannot be had or is not one. */
export async function readCatalogue(appUrl: string): Promise<readonly CatalogueEntry[]> {
  const response = await fetch(new URL("catalogue.json", appUrl));
  if (!response.ok) throw unreadable(`HTTP ${response.status}`);
  const entries: unknown = await response.json();
  if (!Array.isArray(entries) || !entries.every(isEntry)) throw unreadable("it is no list of models");
  const located = <File extends CatalogueFile>(file: File): File => ({
    ...file,
    urls: file.urls.map((url) => new URL(url, appUrl).href),
  });
  return entries.map((entry) => ({ ...located(entry), variants: entry.variants.map(located) }));
}

/** What `id` means; null where the catalogue has no such model. Throws `not_found` where it has one that nobody is known to serve. */
export function findInCatalogue(entries: readonly CatalogueEntry[], id: string): CatalogueChoice | null {
  const [name, quantization] = id.split(":");
  const entry = entries.find((candidate) => candidate.id === name);
  if (!entry) return null;
  const file = [entry, ...entry.variants].find((candidate) => !quantization || candidate.quantization === quantization);
  if (!file) return null;
  if (file.urls.length > 0) return { id, entry, file };
  throw new EngineError(
    "not_found",
    `No public source of ${entry.name} is confirmed.`,
    entry.advice ?? "Open a GGUF file of it.",
  );
}

const isFile = isRecordOf<CatalogueFile>({ quantization: "string", urls: "strings", sizeBytes: "number", sha256: "string?" });
const hasScalars = isRecordOf<Omit<CatalogueEntry, "variants" | "defaults">>({
  id: "string",
  name: "string",
  urls: "strings",
  sizeBytes: "number",
  sha256: "string?",
  quantization: "string",
  parameters: "number",
  licence: "string",
  homepage: "string",
  use: "string",
  contextLength: "number",
  prompt: "string?",
  confirmed: "boolean",
  advice: "string?",
});
const hasSystem = isRecordOf<Pick<ModelDefaults, "system">>({ system: "string" });
const USES: readonly string[] = ["chat", "text", "demonstration"];

/** Whether a value is an entry of the catalogue. */
export function isEntry(value: unknown): value is CatalogueEntry {
  if (!hasScalars(value) || !USES.includes(value.use) || !("variants" in value) || !("defaults" in value)) return false;
  if (!Array.isArray(value.variants) || !value.variants.every(isFile)) return false;
  return value.defaults === null || isDefaults(value.defaults);
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
