// Models in other forms than GGUF: finds their files on the disk, at addresses or on a hub, and opens them as one checkpoint.
import type { CheckpointRequest, CheckpointSource } from "../engine/base/conversion.ts";
import { EngineError } from "../engine/base/errors.ts";
import type { ByteSource } from "../engine/base/source.ts";
import type { Access } from "../engine/base/wire.ts";
import type { Checkpoint } from "../engine/checkpoint/checkpoint.ts";
import { addDifference, isRecipe, type Recipe, RECIPES } from "../engine/checkpoint/difference.ts";
import { openCheckpoint } from "../engine/checkpoint/open.ts";
import { fileUrl, parseHubAddress, readRepository } from "../store/hub.ts";
import { NETWORK } from "../store/http.ts";
import { openFile } from "../store/local.ts";
import { openRemoteFile } from "../store/remote-file.ts";
import { tokenFor } from "../store/tokens.ts";

/** A checkpoint, and what tells its files from any others. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** How base and difference were added; null for a model by itself. */
  readonly recipe: Recipe | null;
  /** Names, lengths and dates of all files. */
  readonly fingerprint: string;
  /** Of all files together. */
  readonly sizeBytes: number;
}

/** Files of a repository that belong to a model; what is in folders is the same once more, for other programs. */
const WANTED = /^[^/]+\.(safetensors|bin|pth|json|model|jinja)$|^[^/.]+$/;
/** The same weights in one more form. */
const SECOND_CHOICE = /^(pytorch_model.*|consolidated.*)$/;

/** Opens what is asked for. Throws `bad_request` where files are missing, and what hosts and readers throw. */
export async function openCheckpoints(request: CheckpointRequest, signal?: AbortSignal): Promise<OpenedCheckpoint> {
  const own = await openSources(request.files, request, signal);
  const base = request.base && (await openSources(request.base, request, signal));
  const checkpoint = await openCheckpoint(request.name, own.map(({ source }) => source), signal); // prettier-ignore
  const all = [...own, ...(base ?? [])];
  const known = {
    fingerprint: all.map(({ fingerprint }) => fingerprint).join(" "),
    sizeBytes: all.reduce((sum, { source }) => sum + source.sizeBytes, 0),
  };
  if (!base) return { checkpoint, recipe: null, ...known };
  if (request.recipe === null || !isRecipe(request.recipe)) {
    const names = Object.keys(RECIPES).join(", ");
    throw new EngineError(
      "bad_request",
      `There is no difference of the kind "${String(request.recipe)}".`,
      `Choose one of: ${names}.`,
    );
  }
  const recipe = RECIPES[request.recipe];
  const start = await openCheckpoint("base", base.map(({ source }) => source), signal); // prettier-ignore
  return { checkpoint: { ...addDifference(start, checkpoint, recipe), name: request.name }, recipe, ...known };
}

interface OpenedSource {
  readonly source: ByteSource;
  readonly fingerprint: string;
}

async function openSources(
  sources: readonly CheckpointSource[],
  access: Partial<Access>,
  signal: AbortSignal | undefined,
): Promise<OpenedSource[]> {
  const opened: OpenedSource[] = [];
  for (const source of sources) {
    if (source instanceof File) {
      const { name, size, lastModified } = source;
      opened.push({ source: openFile(source), fingerprint: `${name}:${String(size)}:${String(lastModified)}` });
      continue;
    }
    for (const url of await urlsOf(source, access, signal)) {
      const token = await tokenFor(url, access.token ?? null);
      const file = await openRemoteFile(url, { network: NETWORK, token, signal });
      opened.push({ source: file, fingerprint: `${url}:${String(file.sizeBytes)}:${file.etag ?? ""}` });
    }
  }
  return opened;
}

/** The address itself, or those of a repository's files at its present commit. */
async function urlsOf(address: string, access: Partial<Access>, signal: AbortSignal | undefined): Promise<string[]> {
  const hub = parseHubAddress(address, access.hub ?? undefined);
  if (!hub || hub.path !== null) return [hub ? fileUrl(hub, hub.revision, hub.path ?? "") : address];
  const token = await tokenFor(hub.hub, access.token ?? null);
  const { commit, files } = await readRepository(hub, { network: NETWORK, token, signal });
  const wanted = files.map(({ path }) => path).filter((path) => WANTED.test(path));
  const hasSafetensors = wanted.some((path) => path.endsWith(".safetensors") && !SECOND_CHOICE.test(path));
  return wanted.filter((path) => !hasSafetensors || !SECOND_CHOICE.test(path)).map((path) => fileUrl(hub, commit, path));
}
