// Where the files of an ONNX model are: beside a graph's URL, or in a repository that has graphs.
import { EngineError } from "../engine/base/errors.ts";
import type { ByteSource } from "../engine/base/source.ts";
import { chooseGraph, COMPANIONS, onnxFolder, type OnnxFolder } from "../engine/onnx/folder.ts";
import { fileUrl, type HubAddress, type HubRepository } from "../store/hub.ts";
import { probe, type RequestOptions } from "../store/http.ts";
import type { PartAddress } from "../store/split.ts";

/** The end of an address that names a graph. */
export const GRAPH = /\.onnx$/i;

/** Files of a model: its graph first. */
export interface OnnxPlace {
  /** For people. */
  readonly name: string;
  readonly files: readonly PartAddress[];
}

/** The files of a repository that make up a model: around the graph at `path`, or with the suffix of `quantization`; null where there is none. */
export function onnxInRepository(address: HubAddress, { commit, files }: HubRepository): OnnxPlace | null {
  const chosen = chooseGraph(
    files.map(({ path }) => path),
    address.path ?? address.quantization,
  );
  if (!chosen) return null;
  const hashes = new Map(files.map(({ path, sha256 }) => [path, sha256]));
  const part = (path: string): PartAddress => ({ urls: [fileUrl(address, commit, path)], sha256: hashes.get(path) ?? null });
  const name = address.repository.split("/").at(-1) ?? address.repository;
  return { name, files: [chosen.graph, ...chosen.weights, ...chosen.companions].map(part) };
}

/** The files around a graph's URL, as far as the host has them: it is asked for each. Throws `network`, `cross_origin`, `aborted`. */
export async function onnxAround(url: string, options: RequestOptions): Promise<OnnxPlace> {
  const near = [new URL(".", url), new URL("..", url)];
  const exists = async (candidate: URL | string): Promise<string | null> => {
    const { href } = new URL(candidate);
    try {
      await probe(href, options);
      return href;
    } catch (error) {
      if (["not_found", "unauthorized"].includes(EngineError.record(error).code)) return null;
      throw error;
    }
  };
  const firstOf = async (candidates: readonly URL[]): Promise<string | null> => {
    for (const candidate of candidates) {
      const found = await exists(candidate);
      if (found) return found;
    }
    return null;
  };
  const path = new URL(url).pathname;
  const beside = (name: string): string => Object.assign(new URL(url), { pathname: name }).href;
  const weights: string[] = [];
  for (const ending of ["_data", "_data_1", "_data_2", "_data_3"]) {
    const found = await exists(beside(path + ending));
    if (found === null) break;
    weights.push(found);
  }
  if (weights.length === 0) weights.push(...[(await exists(beside(`${path}.data`))) ?? []].flat());
  const companions = await Promise.all(COMPANIONS.map((name) => firstOf(near.map((folder) => new URL(name, folder)))));
  const files = [url, ...weights, ...companions.filter((found) => found !== null)].map((each) => ({
    urls: [each],
    sha256: null,
  }));
  const folder = path.split("/").filter((part) => part !== "" && part !== "onnx");
  return { name: folder.at(-2) ?? folder.at(-1) ?? "ONNX model", files };
}

/** Sources as one model, if a graph is among them; null for anything else. `pathOf` tells a source's path where its name is not enough. */
export function asOnnx<Source extends ByteSource>(
  sources: readonly Source[],
  called?: string,
  pathOf = (source: Source): string => source.name,
): OnnxFolder | null {
  if (!sources.some((source) => GRAPH.test(source.name))) return null;
  return onnxFolder(new Map(sources.map((source) => [pathOf(source), source])), null, called);
}
