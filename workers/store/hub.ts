// Hugging Face and hosts that answer like it: what people paste, and what files a repository has.
// Source: https://huggingface.co/docs/hub/api; /api/models/{repository}/revision/{revision}?blobs=true and .../refs.
import { EngineError } from "../engine/base/errors.ts";
import { fetchJson, type RequestOptions } from "./http.ts";
import { isRecordOf } from "./shape.ts";

/** The hub that "owner/name" means where no other is given. */
export const HUB = "https://huggingface.co";
/** Other names of it. */
const ALIASES = ["https://hf.co", "https://www.huggingface.co"];

/** What an address on a hub names. */
export interface HubAddress {
  /** Base URL of the hub, without a slash at its end. */
  readonly hub: string;
  /** "owner/name". */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Of a file in it; null for the repository. */
  readonly path: string | null;
  /** "Q4_K_M" of "owner/name:Q4_K_M"; else null. */
  readonly quantization: string | null;
}

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Lower-case hex; null for small files, which are not in large file storage. */
  readonly sha256: string | null;
}

/** A repository at one of its commits. */
export interface HubRepository {
  readonly commit: string;
  readonly gated: boolean;
  readonly licence: string | null;
  readonly files: readonly HubFile[];
}

const SHORT = /^([\w.-]+\/[\w.-]+?)(?:@([^:\s]+))?(?::([\w.-]+))?$/;
const PAGE = /^([\w.-]+\/[\w.-]+)(?:\/(tree|blob|resolve|raw)\/([^/]+)(?:\/(.+))?)?\/?$/;

/**
 * Reads "owner/name", "owner/name@revision", "owner/name:Q4_K_M" and the addresses of pages and files, with or without "https://".
 * Null for anything else.
 */
export function parseHubAddress(text: string, hub: string = HUB): HubAddress | null {
  const base = hub.replace(/\/+$/, "");
  const bare = text.replace(/^https?:\/\//, "");
  const hosts = (base === HUB ? [HUB, ...ALIASES] : [base]).map((url) => url.replace(/^https?:\/\//, ""));
  const host = hosts.find((known) => bare.startsWith(`${known}/`));
  if (!host && bare !== text) return null; // another host's
  const rest = host ? bare.slice(host.length + 1).replace(/[?#].*$/, "") : text;
  const short = /\.gguf$/i.test(rest) ? null : SHORT.exec(rest);
  if (short) {
    const [, repository = "", revision = "main", quantization = null] = short;
    return { hub: base, repository, revision, path: null, quantization };
  }
  const page = host ? PAGE.exec(rest) : null;
  if (!page) return null;
  const [, repository = "", kind = "tree", revision = "main", path = ""] = page;
  const inside = kind === "tree" || path === "" ? null : decodeURIComponent(path);
  return { hub: base, repository, revision: decodeURIComponent(revision), path: inside, quantization: null };
}

/** Address of a file of a repository at a revision. */
export function fileUrl({ hub, repository }: HubAddress, revision: string, path: string): string {
  return `${hub}/${repository}/resolve/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** Address of a repository's page. */
export function pageUrl({ hub, repository, revision }: HubAddress): string {
  return revision === "main" ? `${hub}/${repository}` : `${hub}/${repository}/tree/${encodeURIComponent(revision)}`;
}

/** Asks the hub what files a repository has. Throws `not_found`, `unauthorized`, `cross_origin`, `network`, `aborted`. */
export async function readRepository(address: HubAddress, options: RequestOptions): Promise<HubRepository> {
  const { hub, repository, revision } = address;
  const url = `${hub}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const answer = await fetchJson(url, options);
  if (!isModelInfo(answer) || !isList(answer.siblings, isSibling))
    throw new EngineError(
      "network",
      `${new URL(hub).host} answered something else than a list of files.`,
      "Give the address of a file.",
    );
  const licence = isList(answer.tags, isText) ? answer.tags.find((tag) => tag.startsWith("license:"))?.slice(8) : undefined;
  return {
    commit: answer.sha,
    gated: answer.gated === true || typeof answer.gated === "string",
    licence: licence ?? null,
    files: answer.siblings.map(fileOf),
  };
}

/** Branches and tags of a repository; [] where the host doesn't say. */
export async function readRevisions({ hub, repository }: HubAddress, options: RequestOptions): Promise<string[]> {
  const answer = await fetchJson(`${hub}/api/models/${repository}/refs`, options).catch((error: unknown) => {
    if (EngineError.record(error).code === "aborted") throw error;
    return null; // A choice less, no more.
  });
  if (typeof answer !== "object" || answer === null) return [];
  const lists = new Map<string, unknown>(Object.entries(answer));
  return ["branches", "tags"].flatMap((kind) => {
    const refs = lists.get(kind);
    return isList(refs, isRef) ? refs.map(({ name }) => name) : [];
  });
}

interface ModelInfo {
  readonly sha: string;
  readonly siblings?: unknown;
  readonly tags?: unknown;
  readonly gated?: unknown;
}
interface Sibling {
  readonly rfilename: string;
  readonly size?: unknown;
  readonly lfs?: unknown;
}

const isModelInfo: (value: unknown) => value is ModelInfo = isRecordOf<Pick<ModelInfo, "sha">>({ sha: "string" });
const isSibling: (value: unknown) => value is Sibling = isRecordOf<Pick<Sibling, "rfilename">>({ rfilename: "string" });
const isRef = isRecordOf<{ readonly name: string }>({ name: "string" });
const isStoredLarge = isRecordOf<{ readonly sha256: string; readonly size: number }>({ sha256: "string", size: "number" });
const isText = (value: unknown): value is string => typeof value === "string";

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

function fileOf({ rfilename, size, lfs }: Sibling): HubFile {
  if (isStoredLarge(lfs)) return { path: rfilename, sizeBytes: lfs.size, sha256: lfs.sha256.toLowerCase() };
  return { path: rfilename, sizeBytes: typeof size === "number" ? size : 0, sha256: null };
}
