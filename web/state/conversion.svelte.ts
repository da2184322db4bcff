// A model in another form than GGUF on its way into this browser: its files, what they hold, what they are to become.
import * as converter from "../../workers/client/convert.ts";
import type { CheckpointPreview, CheckpointSource, Conversion as Converted } from "../../workers/engine/base/conversion.ts";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { Shelf } from "./shelf.svelte.ts";

type Converter = Pick<typeof converter, "inspectCheckpoint" | "convertCheckpoint">;

/** Small, fast on every device, and made in minutes. */
const TARGET = "Q4_1";
/** The recipe that puts an adapter into the weights of its base. */
const MERGE = "adapter";

export class Conversion {
  files = $state.raw<readonly CheckpointSource[]>([]);
  /** Files of the model that `files` differ from; null where they are a model by themselves. */
  base = $state.raw<readonly CheckpointSource[] | null>(null);
  recipe = $state<string | null>(null);
  /** How strongly an adapter is merged. */
  scale = $state(1);
  name = $state("");
  target = $state(TARGET);
  /** Null for what the model's name and template speak for. */
  promptFormat = $state<string | null>(null);
  preview = $state.raw<CheckpointPreview | null>(null);
  looking = $state(false);
  error = $state.raw<ErrorRecord | null>(null);
  /** The last one that came to its end. */
  done = $state.raw<Converted | null>(null);
  #look: AbortController | null = null;

  constructor(
    private readonly shelf: Shelf,
    private readonly converter: Converter = converterOfWorker,
  ) {}

  /** True where a difference still lacks its base. */
  readonly wantsBase = $derived.by(() => this.recipe !== null && this.base === null);

  /** Takes the files of a model, or the address of its repository, and looks what they are. */
  async take(files: readonly CheckpointSource[]): Promise<void> {
    this.files = files;
    this.base = null;
    this.recipe = null;
    this.scale = 1;
    this.promptFormat = null;
    this.done = null;
    this.name = nameOf(files);
    await this.#inspect();
  }

  /** Takes an adapter that is to be merged into a copy of a model: its files, or the key of a stored one. */
  async takeAdapter(
    files: readonly CheckpointSource[],
    { base, scale, name }: { base: readonly CheckpointSource[]; scale: number; name: string },
  ): Promise<void> {
    this.files = files;
    this.base = base;
    this.recipe = MERGE;
    this.scale = scale;
    this.promptFormat = null;
    this.done = null;
    this.name = name;
    await this.#inspect();
  }

  /** True where an adapter is merged. */
  get merges(): boolean {
    return this.recipe === MERGE;
  }

  /** Takes the files of the base, and looks whether the difference fits it. */
  async takeBase(files: readonly CheckpointSource[]): Promise<void> {
    this.base = files;
    await this.#inspect();
  }

  /** Says that the files are a difference of this kind, or with null that they are a model. */
  async setRecipe(recipe: string | null): Promise<void> {
    this.recipe = recipe;
    if (recipe === null) this.base = null;
    await this.#inspect();
  }

  /** Converts into the store, as a transfer that can be paused. */
  async start(): Promise<void> {
    const { files, base, recipe, target, promptFormat, scale } = this;
    const name = this.name.trim() || "model";
    const request = { files, base, recipe, name, target, promptFormat, scale };
    this.forget();
    await this.shelf.convert(name, async (options) => {
      this.done = await this.converter.convertCheckpoint(request, options);
    });
  }

  /** Lets go of the files. */
  forget(): void {
    this.#look?.abort();
    this.files = [];
    this.preview = null;
    this.error = null;
  }

  async #inspect(): Promise<void> {
    this.#look?.abort();
    const controller = new AbortController();
    this.#look = controller;
    this.preview = null;
    this.error = null;
    if (this.files.length === 0) return;
    this.looking = true;
    try {
      const { files, base, name } = this;
      const recipe = base === null ? null : this.recipe;
      const preview = await this.converter.inspectCheckpoint({ files, base, recipe, name }, controller.signal);
      if (this.#look === controller) this.preview = preview;
    } catch (error) {
      if (this.#look === controller) this.error = EngineError.record(error);
    } finally {
      if (this.#look === controller) this.looking = false;
    }
  }
}

const converterOfWorker: Converter = converter;

/** The folder's name, the repository's, or the first file's. */
function nameOf([first]: readonly CheckpointSource[]): string {
  if (first === undefined) return "";
  if (typeof first === "string") return first.split("/").at(-1) ?? first;
  const path = first.webkitRelativePath || first.name;
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.[^.]+$/, "");
}
