// The model: which one, how far it is loaded, what it can do, what went wrong.
import type { Cria, LoadOptions, ModelChange } from "../../workers/engine/base/cria.ts";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { CatalogueEntry, LoadProgress, ModelInfo, ModelPreview, StoredModel } from "../../workers/engine/base/wire.ts";
import type { Engine } from "./engine.ts";
import type { Settings } from "./settings.svelte.ts";

/** What can be loaded: catalogue id or URL, or files from a disk (several of a split model). */
export type Choice = string | readonly File[];

/**
 * starting: looking what is stored. choosing: waiting for the person's tap. loading, ready. failed: see `error`.
 */
export type Phase = "starting" | "choosing" | "loading" | "ready" | "failed";

/** So often the tab may die with a model before it waits for a tap. */
const CRASHES_ALLOWED = 1;

export class Model {
  phase = $state<Phase>("starting");
  choice = $state.raw<Choice | null>(null);
  /** What is known of `choice` before it is loaded. */
  preview = $state.raw<ModelPreview | null>(null);
  progress = $state.raw<LoadProgress | null>(null);
  error = $state.raw<ErrorRecord | null>(null);
  info = $state.raw<ModelInfo | null>(null);
  /** It runs in another tab, which serves this one too. */
  elsewhere = $state(false);
  catalogue = $state.raw<readonly CatalogueEntry[]>([]);
  stored = $state.raw<readonly StoredModel[]>([]);
  readonly entry = $derived(this.catalogue.find((entry) => entry.id === this.choice) ?? null);
  readonly crashed = $derived((this.preview?.crashes ?? 0) > CRASHES_ALLOWED);
  /** Bytes still to be fetched; 0 for a file on disk. */
  readonly missingBytes = $derived.by(() => {
    if (typeof this.choice !== "string" || !this.preview) return 0;
    return Math.max(0, this.preview.sizeBytes - this.preview.storedBytes);
  });
  cria: Cria | null = null;
  #controller: AbortController | null = null;
  #waiting: { resolve: (cria: Cria) => void; reject: (error: EngineError) => void }[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly settings: Settings,
  ) {}

  /** Looks what the app offers and what is stored; a model that is here already is loaded at once. */
  async start(): Promise<void> {
    try {
      this.catalogue = await this.engine.catalogue();
      await this.refreshStored();
      if (this.choice !== null) return; // a file came first
      if (await this.#join(false)) return;
      const first = this.settings.values.model ?? this.catalogue[0]?.id;
      if (first) await this.choose(first);
      else this.phase = "choosing";
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Looks at a model. It is loaded at once if nothing has to be downloaded and it has not crashed the tab; else it waits for `load`. */
  async choose(choice: Choice): Promise<void> {
    this.#controller?.abort();
    this.choice = choice;
    this.error = null;
    this.preview = null;
    this.phase = "starting";
    try {
      const preview = await this.engine.preview(choice);
      if (this.choice !== choice) return; // another one was chosen meanwhile
      this.preview = preview;
      if (this.missingBytes === 0 && !this.crashed) await this.load();
      else this.phase = "choosing";
    } catch (error) {
      if (this.choice === choice) this.#fail(error);
    }
  }

  /** Downloads what is missing and loads the chosen model. */
  async load(): Promise<void> {
    const choice = this.choice;
    if (choice === null) return;
    const controller = new AbortController();
    this.#controller?.abort();
    this.#controller = controller;
    const isCurrent = (): boolean => this.#controller === controller;
    this.phase = "loading";
    this.progress = null;
    this.error = null;
    this.cria = null;
    this.info = null;
    try {
      const { backend, contextLength } = this.settings.values;
      const cria = await this.engine.load({
        model: choice,
        backend,
        afterCrashes: true, // whether to ask first was decided before
        ...(contextLength === null ? {} : { contextLength }),
        ...this.#listeners(isCurrent),
        signal: controller.signal,
      });
      if (!isCurrent()) return;
      if (typeof choice === "string") this.settings.set({ model: choice });
      await this.#use(cria);
    } catch (error) {
      if (!isCurrent()) return;
      if (EngineError.record(error).code === "aborted") await this.#backToChoice();
      else this.#fail(error);
    }
  }

  /** After a failure: looks again, and loads what was chosen. */
  async retry(): Promise<void> {
    if (this.choice === null) return this.start();
    if (this.preview) return this.load();
    await this.choose(this.choice);
  }

  /** Stops loading. What was downloaded stays. */
  cancel(): void {
    this.#controller?.abort();
    if (this.phase !== "loading" || !this.cria) return;
    // It was lost with another tab, and is on its way back.
    void this.cria.unload().catch(() => undefined);
    this.#controller = null;
    this.cria = null;
    this.info = null;
    void this.#backToChoice();
  }

  /** The model as soon as it is ready; rejects with `aborted` when `signal` fires, or with what keeps it from loading. */
  whenReady(signal: AbortSignal): Promise<Cria> {
    if (this.cria) return Promise.resolve(this.cria);
    if (this.phase === "failed" && this.error) return Promise.reject(EngineError.revive(this.error));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      signal.addEventListener("abort", () => reject(new EngineError("aborted", "Stopped.")), { once: true });
    });
  }

  async refreshStored(): Promise<void> {
    this.stored = await this.engine.storedModels();
  }

  /** Takes a model out of the store. A loaded one goes on working until the page is closed. */
  async remove(id: string): Promise<void> {
    await this.engine.removeModel(id);
    await this.refreshStored();
  }

  /** Unloads the model and takes every one out of the store. */
  async removeEverything(): Promise<void> {
    this.#controller?.abort();
    this.#controller = null;
    await this.engine.deleteEverything();
    this.cria = null;
    this.info = null;
    this.stored = [];
    this.phase = "starting";
  }

  async #use(cria: Cria): Promise<void> {
    this.cria = cria;
    this.info = cria.info;
    this.settings.recommended = this.preview?.defaults ?? this.entry?.defaults ?? null;
    this.phase = "ready";
    for (const { resolve } of this.#waiting.splice(0)) resolve(cria);
    await this.refreshStored();
  }

  /** What a model tells of itself, as long as it is the one that this page uses. */
  #listeners(isCurrent: () => boolean): Pick<LoadOptions, "onProgress" | "onChange"> {
    return {
      onProgress: (progress) => {
        if (isCurrent()) this.progress = progress;
      },
      onChange: (change) => {
        if (isCurrent()) this.#hear(change);
      },
    };
  }

  #hear(change: ModelChange): void {
    switch (change.kind) {
      case "ready":
        this.elsewhere = change.elsewhere;
        if (this.cria === null) return; // `load` goes on itself
        this.info = change.info;
        this.phase = "ready";
        return;
      case "lost":
        this.progress = null;
        this.phase = "loading";
        return;
      case "failed":
        this.cria = null;
        return this.#fail(EngineError.revive(change.error));
      case "ended":
        void this.#follow(change.by);
    }
  }

  /** Another tab, or a script in this page, loaded another model in the place of this one: this page takes it over. */
  async #follow(by: string | null): Promise<void> {
    this.cria = null;
    this.info = null;
    this.progress = null;
    this.phase = by === null ? "choosing" : "loading";
    if (!(await this.#join(true))) await this.#backToChoice();
  }

  /** Uses the model that is in memory already, also one that comes there just now if `patiently`. False where there is none. */
  async #join(patiently: boolean): Promise<boolean> {
    const controller = new AbortController();
    this.#controller = controller;
    const isCurrent = (): boolean => this.#controller === controller;
    const found = await this.engine.currentModel({ ...this.#listeners(isCurrent), patiently }).catch(() => null);
    if (!isCurrent()) return true; // a person chose meanwhile
    if (!found) return false;
    this.settings.reread();
    this.choice = found.model instanceof File ? [found.model] : found.model;
    this.preview = await this.engine.preview(this.choice).catch(() => null);
    if (isCurrent()) await this.#use(found.cria);
    return true;
  }

  async #backToChoice(): Promise<void> {
    this.phase = "choosing";
    this.progress = null;
    const choice = this.choice;
    if (typeof choice !== "string") return;
    const preview = await this.engine.preview(choice).catch(() => this.preview);
    if (this.choice === choice) this.preview = preview;
  }

  #fail(error: unknown): void {
    this.error = EngineError.record(error);
    this.phase = "failed";
    for (const { reject } of this.#waiting.splice(0)) reject(EngineError.revive(this.error));
  }
}
