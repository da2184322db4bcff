// What is behind an address that a person typed: one model, or a repository to choose from.
import { readGguf } from "../engine/gguf/read.ts";
import type { Offer, OfferedModel, OfferedRepository } from "../engine/base/storage.ts";
import { modelsOf } from "./hub-models.ts";
import { fileUrl, pageUrl, parseHubAddress, readRepository, readRevisions, type HubAddress } from "../store/hub.ts";
import { NETWORK } from "../store/http.ts";
import { storedBytes } from "../store/models.ts";
import { modelUrl, quantizationIn } from "../store/names.ts";
import { tokenFor } from "../store/tokens.ts";
import { openModel, type SourceOptions, type Surroundings } from "./sources.ts";

/** Looks behind an address; reads lists and headers, downloads nothing. Throws as `openModel`, and `not_gguf` for other files. */
export async function lookAt(text: string, surroundings: Surroundings, options: SourceOptions): Promise<Offer> {
  const hub = parseHubAddress(text, options.hub ?? undefined);
  if (hub && hub.path === null && hub.quantization === null)
    return { kind: "repository", repository: await lookIntoRepository(hub, options) };
  const { id, name, source, defaults, parts, hashed } = await openModel(text, surroundings, options);
  await readGguf(source, options.signal);
  const { sizeBytes } = source;
  const stored = await storedBytes(id);
  const quantization = quantizationIn(source.name);
  const model = { address: text, name: name ?? source.name, sizeBytes, quantization, parts, hashed, storedBytes: stored };
  return { kind: "model", model, defaults };
}

async function lookIntoRepository(hub: HubAddress, { token = null, signal }: SourceOptions): Promise<OfferedRepository> {
  const asked = { network: NETWORK, token: await tokenFor(hub.hub, token), signal };
  const [{ commit, gated, licence, files }, revisions] = await Promise.all([
    readRepository(hub, asked),
    readRevisions(hub, asked),
  ]);
  const models = modelsOf(files).map(async ({ path, name, sizeBytes, quantization, files }): Promise<OfferedModel> => {
    const address = modelUrl(fileUrl(hub, hub.revision, path));
    const hashed = files.every(({ sha256 }) => sha256 !== null);
    return { address, name, sizeBytes, quantization, parts: files.length, hashed, storedBytes: await storedBytes(address) };
  });
  return {
    repository: hub.repository,
    page: pageUrl(hub),
    revision: hub.revision,
    commit,
    revisions: revisions.includes(hub.revision) ? revisions : [hub.revision, ...revisions],
    gated,
    licence,
    models: await Promise.all(models),
    otherFiles: files.filter(({ path }) => !/\.gguf$/i.test(path)).map(({ path, sizeBytes }) => ({ path, sizeBytes })),
  };
}
