// Which GGUF models the files of a repository are: split ones put together, what is no language model left out.
import { EngineError } from "../engine/base/errors.ts";
import type { HubAddress, HubFile } from "../store/hub.ts";
import { partIn, partNames, quantizationIn, wholeName } from "../store/names.ts";

/** A GGUF model of a repository. */
export interface HubModel {
  /** Path of its file, or of its first part. */
  readonly path: string;
  /** Path without the part's number. */
  readonly name: string;
  readonly quantization: string | null;
  readonly sizeBytes: number;
  /** Its files, in order. */
  readonly files: readonly HubFile[];
}

/** Projectors for pictures, and statistics for quantizing. */
const NO_MODEL = /(^|[/.-])(mmproj|imatrix)/i;
/** What most people want, best first: as llama.cpp chooses where nobody says. */
const USUAL = ["Q4_K_M", "Q4_0", "Q8_0"];

/** The GGUF models among a repository's files, smallest first. Split ones that lack a part are left out. */
export function modelsOf(files: readonly HubFile[]): HubModel[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const firsts = files.filter(({ path }) => /\.gguf$/i.test(path) && !NO_MODEL.test(path) && (partIn(path)?.number ?? 1) === 1);
  const models = firsts.map(({ path }) => ({ path, files: partNames(path).map((name) => byPath.get(name)) }));
  return models
    .flatMap(({ path, files }) => {
      const present = files.filter((file) => file !== undefined);
      if (present.length < files.length) return [];
      const sizeBytes = present.reduce((sum, file) => sum + file.sizeBytes, 0);
      return [{ path, name: wholeName(path), quantization: quantizationIn(path), sizeBytes, files: present }];
    })
    .sort((a, b) => a.sizeBytes - b.sizeBytes);
}

/** The model that an address means. Throws `not_found`, saying what there is. */
export function chooseModel({ repository, path, quantization }: HubAddress, models: readonly HubModel[]): HubModel {
  const named = (wanted: string): HubModel | undefined => models.find((model) => model.quantization === wanted.toUpperCase());
  const chosen =
    path !== null
      ? models.find((model) => model.files.some((file) => file.path === path))
      : quantization !== null
        ? named(quantization)
        : (USUAL.map(named).find((model) => model !== undefined) ?? models[0]);
  if (chosen) return chosen;
  const wanted = path ?? quantization;
  const there = [...new Set(models.map((model) => (path === null ? (model.quantization ?? model.name) : model.name)))];
  if (there.length === 0)
    throw new EngineError(
      "not_found",
      `${repository} has no GGUF files.`,
      "Look for a repository of the same model with GGUF in its name.",
    );
  throw new EngineError("not_found", `${repository} has no model ${wanted ?? ""}.`, `It has: ${there.join(", ")}.`);
}
