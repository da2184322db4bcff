// Models in other forms than GGUF: finds their files on the disk, at addresses or on a hub, and opens them as one checkpoint.
import type { CheckpointRequest, CheckpointSource } from "../engine/base/conversion.ts";
import { EngineError } from "../engine/base/errors.ts";
import type { ByteSource } from "../engine/base/source.ts";
import type { Access } from "../engine/base/wire.ts";
import { mergeAdapter } from "../engine/adapters/merge.ts";
import { openAdapter } from "../engine/adapters/open.ts";
import type { Checkpoint } from "../engine/checkpoint/checkpoint.ts";
import { addDifference, isRecipe, type Recipe, RECIPES } from "../engine/checkpoint/difference.ts";
import { openCheckpoint } from "../engine/checkpoint/open.ts";
import { openAdapterFiles } from "./adapter-files.ts";
import { openForeignFiles, type ForeignFile } from "./foreign-files.ts";
import { openKept, type Surroundings } from "./sources.ts";

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
const WANTED = /^[^/]+\.(safetensors|bin|pth?|json|model|jinja)$|^[^/.]+$/;
/** The same weights in one more form. */
const SECOND_CHOICE = /^(pytorch_model.*|consolidated.*)$/;

/** The recipe that merges an adapter, whatever kind of it, into its base. */
const MERGE = "adapter";

/** Opens what is asked for. Throws `bad_request` where files are missing, and what hosts and readers throw. */
export async function openCheckpoints(
  request: CheckpointRequest,
  surroundings: Surroundings,
  signal?: AbortSignal,
): Promise<OpenedCheckpoint> {
  const { name, recipe } = request;
  const base = request.base && (await openBase(request.base, request, surroundings, signal));
  if (base && recipe === MERGE) return openMerged(request, base, signal);
  const own = await openForeignFiles(request.files, chooseModel, request, signal);
  const checkpoint = await openCheckpoint(name, sourcesOf(own), signal);
  if (!base) return { checkpoint, recipe: null, ...factsOf(own) };
  if (recipe === null || !isRecipe(recipe)) {
    const names = [...Object.keys(RECIPES), MERGE].join(", ");
    throw new EngineError("bad_request", `There is no difference of the kind "${String(recipe)}".`, `Choose one of: ${names}.`);
  }
  const start = await openCheckpoint("base", sourcesOf(base), signal);
  const sum = { ...addDifference(start, checkpoint, RECIPES[recipe]), name };
  return { checkpoint: sum, recipe: RECIPES[recipe], ...factsOf([...own, ...base]) };
}

/** A base with an adapter in its weights. */
async function openMerged(
  request: CheckpointRequest,
  base: readonly ForeignFile[],
  signal: AbortSignal | undefined,
): Promise<OpenedCheckpoint> {
  const scale = request.scale ?? 1;
  const own = await openAdapterFiles(request, signal);
  const start = await openCheckpoint("base", sourcesOf(base), signal);
  const contents = await openAdapter(sourcesOf(own), start.config, signal);
  const { fingerprint, sizeBytes } = factsOf([...own, ...base]);
  const checkpoint = { ...mergeAdapter(start, contents, scale), name: request.name };
  return { checkpoint, recipe: null, fingerprint: `${fingerprint} x${String(scale)}`, sizeBytes };
}

/** Files of a base, or the key of a stored model. */
async function openBase(
  files: readonly CheckpointSource[],
  access: Partial<Access>,
  surroundings: Surroundings,
  signal: AbortSignal | undefined,
): Promise<ForeignFile[]> {
  const [only] = files;
  const kept = files.length === 1 && typeof only === "string" ? await openKept(only, surroundings, { ...access, signal }) : null;
  if (kept) return [{ source: kept.source, fingerprint: `${kept.id}:${String(kept.source.sizeBytes)}` }];
  return openForeignFiles(files, chooseModel, access, signal);
}

/** Weights and what belongs to them; pickles only where there are no safetensors. */
function chooseModel(paths: readonly string[]): string[] {
  const wanted = paths.filter((path) => WANTED.test(path));
  const hasSafetensors = wanted.some((path) => path.endsWith(".safetensors") && !SECOND_CHOICE.test(path));
  return wanted.filter((path) => !hasSafetensors || !SECOND_CHOICE.test(path));
}

function sourcesOf(files: readonly ForeignFile[]): ByteSource[] {
  return files.map(({ source }) => source);
}

function factsOf(files: readonly ForeignFile[]): Pick<OpenedCheckpoint, "fingerprint" | "sizeBytes"> {
  return {
    fingerprint: files.map(({ fingerprint }) => fingerprint).join(" "),
    sizeBytes: files.reduce((sum, { source }) => sum + source.sizeBytes, 0),
  };
}
