// The adapters of the model that is loaded: which there are, which of them work, how strongly. They are kept with their model and come back
// with it.
import type { AdapterInfo, AdapterUse, GateReading } from "../../workers/engine/base/adapters.ts";
import type { Cria } from "../../workers/engine/base/cria.ts";
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import { forgetAdapter, keepAdapter, listAdapters, type KeptAdapter } from "../lib/adapters.ts";
import type { AppliedAdapter } from "../lib/evaluations.ts";
import type { Conversion } from "./conversion.svelte.ts";
import type { Engine } from "./engine.ts";
import type { Model } from "./model.svelte.ts";

/** Files that can be part of the model's weights only. */
export interface Mergeable {
  readonly name: string;
  readonly files: readonly File[];
  /** "LLaMA-Adapter V2". */
  readonly format: string;
}

export class Adapters {
  /** Those of the model that is loaded. */
  kept = $state.raw<readonly KeptAdapter[]>([]);
  /** What is known of those that are in memory. */
  infos = $state.raw<readonly AdapterInfo[]>([]);
  /** One is being read. */
  busy = $state(false);
  error = $state.raw<ErrorRecord | null>(null);
  /** What was given last and has to be merged; null where it was not so. */
  mergeable = $state.raw<Mergeable | null>(null);
  /** The model whose adapters these are. */
  #cria: Cria | null = null;
  #attaching: Promise<void> = Promise.resolve();

  constructor(
    private readonly engine: Pick<Engine, "adapterFiles">,
    private readonly model: Model,
    private readonly conversion: Conversion,
  ) {}

  /** What is known of one that is in memory; null for one that is not. */
  infoOf(id: string): AdapterInfo | null {
    return this.infos.find((info) => info.id === id) ?? null;
  }

  /** Brings back what was kept for a model; does nothing where that was done. */
  attach(cria: Cria): Promise<void> {
    if (this.#cria !== cria) {
      this.#cria = cria;
      this.#attaching = this.#bringBack(cria);
    }
    return this.#attaching;
  }

  /** What a request to this model applies. */
  async uses(cria: Cria): Promise<AdapterUse[]> {
    return (await this.applied(cria)).map(({ id, scale }) => ({ id, scale }));
  }

  /** The same with names for people. */
  async applied(cria: Cria): Promise<AppliedAdapter[]> {
    await this.attach(cria);
    return this.kept.filter(({ id, on }) => on && this.infoOf(id) !== null).map(({ id, name, scale }) => ({ id, name, scale }));
  }

  /** Adds an adapter: files that were picked, or an address to get them from. */
  async take(source: readonly File[] | string): Promise<void> {
    const cria = this.model.cria;
    if (!cria) return;
    await this.#busily(async () => {
      await this.attach(cria);
      const files = typeof source === "string" ? await this.engine.adapterFiles(source) : source;
      const name = nameOf(source, files);
      const preview = await cria.adapters.preview(files);
      if (preview.kind === "tuning") {
        this.mergeable = { name, files, format: preview.format };
        return;
      }
      const adapter: KeptAdapter = {
        id: crypto.randomUUID(),
        model: cria.info.id,
        name,
        files,
        on: true,
        scale: 1,
        gate: preview.gate,
      };
      try {
        await this.#load(cria, adapter);
      } catch (error) {
        // A backend without room for adapters can still have one in its weights.
        if (preview.kind === "lora") this.mergeable = { name, files, format: preview.format };
        throw error;
      }
      this.kept = [...this.kept, adapter];
      await keepAdapter(adapter).catch(() => undefined); // where the browser keeps nothing, it works until the page is closed
    });
  }

  /** Switches one on or off, or makes it stronger or weaker: from the next answer on. */
  async set(id: string, changes: Partial<Pick<KeptAdapter, "on" | "scale">>): Promise<void> {
    await this.#change(id, changes);
  }

  /** Reads the gates of one in another way: it is loaded anew. */
  async setGate(id: string, gate: GateReading): Promise<void> {
    const adapter = this.kept.find((one) => one.id === id);
    const cria = this.#cria;
    if (!adapter || !cria || adapter.gate === gate) return;
    await this.#busily(async () => {
      await this.#load(cria, { ...adapter, gate });
      await this.#change(id, { gate });
    });
  }

  async remove(id: string): Promise<void> {
    this.kept = this.kept.filter((one) => one.id !== id);
    await forgetAdapter(id).catch(() => undefined);
    await this.#cria?.adapters.remove(id);
  }

  /** Prepares a copy of the model with an adapter in its weights, as strong as it is set: a conversion, to be started there. */
  async merge({ name, files }: Pick<Mergeable, "name" | "files">, scale = 1): Promise<void> {
    const { info, choice } = this.model;
    if (!info || choice === null) return;
    const base = typeof choice === "string" ? [info.id] : [choice].flat();
    this.mergeable = null;
    await this.conversion.takeAdapter(files, { base, scale, name: `${info.name} ${name}` });
  }

  /** Lets go of what was given and not taken. */
  dismiss(): void {
    this.mergeable = null;
    this.error = null;
  }

  async #bringBack(cria: Cria): Promise<void> {
    this.dismiss();
    this.infos = [];
    this.kept = await listAdapters(cria.info.id).catch(() => []);
    for (const adapter of this.kept) {
      try {
        await this.#load(cria, adapter);
      } catch (error) {
        this.error = EngineError.record(error);
      }
    }
  }

  async #load(cria: Cria, { id, files, gate }: KeptAdapter): Promise<void> {
    const info = await cria.adapters.load(files, { id, ...(gate && { gate }) });
    this.infos = [...this.infos.filter((known) => known.id !== id), info];
  }

  async #change(id: string, changes: Partial<KeptAdapter>): Promise<void> {
    this.kept = this.kept.map((one) => (one.id === id ? { ...one, ...changes } : one));
    const changed = this.kept.find((one) => one.id === id);
    if (changed) await keepAdapter(changed).catch(() => undefined);
  }

  async #busily(work: () => Promise<void>): Promise<void> {
    this.dismiss();
    this.busy = true;
    try {
      await work();
    } catch (error) {
      this.error = EngineError.record(error);
    } finally {
      this.busy = false;
    }
  }
}

/** The repository, the folder, or the file: PEFT's files are all called the same. */
function nameOf(source: readonly File[] | string, files: readonly File[]): string {
  const parts = (typeof source === "string" ? source : (files[0]?.webkitRelativePath ?? "")).split(/[?#]/)[0]!.split("/");
  const weights = files.find(({ name }) => !name.endsWith(".json"))?.name ?? "adapter";
  const own = weights.replace(/\.[^.]+$/, "");
  if (own !== "adapter_model") return own;
  return (
    parts.filter((part) => part !== "" && !/^(adapter_(model|config)\..+|resolve|blob|main)$/.test(part)).at(-1) ?? "adapter"
  );
}
