// The models on the shelf: what is stored, what is on its way, how much room there is, and what is behind an address.
import { EngineError, type ErrorRecord } from "../../workers/engine/base/errors.ts";
import type { Offer, Room, StoreProgress } from "../../workers/engine/base/storage.ts";
import type { StoredModel } from "../../workers/engine/base/wire.ts";
import { hostOf } from "../lib/addresses.ts";
import { askToPersist } from "../lib/service-worker.ts";
import type { Engine } from "./engine.ts";
import type { Model } from "./model.svelte.ts";

/** Something that moves bytes. A paused download is none: it is a stored model that is not complete. */
export interface Transfer {
  /** What is downloaded or exported: an address or the id of a stored model. */
  readonly key: string;
  readonly name: string;
  readonly kind: "download" | "copy" | "conversion" | "export";
  readonly progress: StoreProgress | null;
  readonly error: ErrorRecord | null;
}

/** What moves the bytes, tells how far it is, and stops when it is told to. */
type Work = (options: { onProgress: (progress: StoreProgress) => void; signal: AbortSignal }) => Promise<unknown>;

export class Shelf {
  room = $state.raw<Room | null>(null);
  transfers = $state.raw<readonly Transfer[]>([]);
  /** What is behind the address that was looked at last. */
  offer = $state.raw<Offer | null>(null);
  looking = $state(false);
  error = $state.raw<ErrorRecord | null>(null);
  /** The address that was looked at last. */
  address = $state("");
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing that is shown
  readonly #stops = new Map<string, AbortController>();
  #look: AbortController | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly model: Model,
  ) {}

  /** Largest first: what to remove when the disk is full. */
  readonly bySize = $derived.by(() => [...this.model.stored].sort((a, b) => b.storedBytes - a.storedBytes));

  async refresh(): Promise<void> {
    const [room] = await Promise.all([this.engine.storageRoom(), this.model.refreshStored()]);
    this.room = room;
  }

  transferOf(key: string): Transfer | null {
    return this.transfers.find((transfer) => transfer.key === key) ?? null;
  }

  /** Downloads a model without loading it, going on where an earlier download ended. */
  async download(address: string, name: string): Promise<void> {
    void askToPersist().catch(() => false);
    await this.#move(address, name, "download", (options) => this.engine.downloadModel(address, options));
  }

  /** Copies a model's files into the store, so that they need not be opened again. */
  async keep(files: readonly File[]): Promise<void> {
    const name = files[0]?.name ?? "";
    void askToPersist().catch(() => false);
    await this.#move(name, name, "copy", (options) => this.engine.keepFiles(files, options));
  }

  /** Lists a conversion among the transfers: it goes on where it was paused, when the same files are given again. */
  async convert(name: string, work: Work): Promise<void> {
    void askToPersist().catch(() => false);
    await this.#move(name, name, "conversion", work);
  }

  /** Writes a stored model to a file that the person chooses. */
  async export({ id, name }: StoredModel): Promise<void> {
    await this.#move(id, name, "export", (options) => this.engine.exportModel({ id, name }, options));
  }

  /** Stops a transfer; what has arrived stays, and the same call goes on there. */
  pause(key: string): void {
    this.#stops.get(key)?.abort();
  }

  /** Takes a failed transfer off the list. */
  dismiss(key: string): void {
    this.transfers = this.transfers.filter((transfer) => transfer.key !== key);
  }

  async remove(id: string): Promise<void> {
    this.pause(id);
    await this.model.remove(id);
    await this.refresh();
  }

  /** Forgets what models have read of all conversations. */
  async forgetReadings(): Promise<void> {
    await this.engine.forgetReadings();
    await this.refresh();
  }

  /** Looks what is behind an address, a repository's revision included ("owner/name@branch"). Downloads nothing. */
  async look(address: string, token: string | null = null): Promise<void> {
    this.#look?.abort();
    const controller = new AbortController();
    this.#look = controller;
    this.address = address;
    this.offer = null;
    this.error = null;
    this.looking = true;
    try {
      if (token !== null) await this.engine.keepToken(hostOf(address), token || null);
      const offer = await this.engine.lookAt(address, {}, controller.signal);
      if (this.#look === controller) this.offer = offer;
    } catch (error) {
      if (this.#look === controller) this.error = EngineError.record(error);
    } finally {
      if (this.#look === controller) this.looking = false;
    }
  }

  /** Forgets what was looked at. */
  close(): void {
    this.#look?.abort();
    this.#look = null;
    this.offer = null;
    this.error = null;
    this.looking = false;
  }

  async #move(key: string, name: string, kind: Transfer["kind"], work: Work): Promise<void> {
    if (this.#stops.has(key)) return;
    const controller = new AbortController();
    this.#stops.set(key, controller);
    const update = (changes: Partial<Transfer>): void => {
      this.transfers = this.transfers.map((transfer) => (transfer.key === key ? { ...transfer, ...changes } : transfer));
    };
    this.dismiss(key);
    this.transfers = [...this.transfers, { key, name, kind, progress: null, error: null }];
    try {
      await work({ onProgress: (progress) => update({ progress }), signal: controller.signal });
      this.dismiss(key);
    } catch (error) {
      const record = EngineError.record(error);
      if (record.code === "aborted") this.dismiss(key);
      else update({ error: record });
    } finally {
      this.#stops.delete(key);
      await this.refresh().catch(() => undefined); // what it shows is read again when it is opened
    }
  }
}
