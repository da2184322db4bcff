// The methods of the store's worker: everything that takes long is a job that can be stopped, errors go as records.
import { readCatalogue } from "./catalogue.ts";
import { EngineError } from "../engine/base/errors.ts";
import type { Room, StoreApi } from "../engine/base/storage.ts";
import type { Outlet, Reply, StoredModel } from "../engine/base/wire.ts";
import { readGguf } from "../engine/gguf/read.ts";
import { fetchAdapterFiles } from "./adapter-files.ts";
import { convert, inspect } from "./convert.ts";
import { gather, writeTo } from "./export.ts";
import { keepFiles } from "./keep.ts";
import { lookAt } from "./offers.ts";
import { openKept, openModel, type OpenedModel, type Surroundings } from "./sources.ts";
import { findModel, listModels } from "../store/models.ts";
import { readRecord } from "../store/records.ts";
import { estimate, isPersistent } from "../store/room.ts";
import { forgetAllReadings, forgetConversation, readingsBytes } from "../store/snapshots.ts";
import { keepToken, tokenOrigins } from "../store/tokens.ts";

/** The api of a worker of the app in the folder `appUrl`. */
export function createStoreApi(appUrl: string): StoreApi {
  return new Api({ appUrl, catalogue: () => readCatalogue(appUrl) });
}

class Api implements StoreApi {
  private readonly jobs = new Map<number, AbortController>();

  constructor(private readonly surroundings: Surroundings) {}

  room: StoreApi["room"] = () => reply(readRoom);

  look: StoreApi["look"] = (job, address, access) => {
    return this.asJob(job, (signal) => lookAt(address, this.surroundings, { ...access, signal }));
  };

  download: StoreApi["download"] = (job, address, access, progress) => {
    return this.asJob(job, async (signal) => {
      const opened = await openModel(address, this.surroundings, { ...access, signal, onProgress: sayTo(progress) });
      if (opened.download) {
        await readGguf(opened.source, signal); // what is no model is not downloaded
        await opened.download(signal);
      }
      return need(opened.id);
    });
  };

  keep: StoreApi["keep"] = (job, files, progress) => {
    return this.asJob(job, async (signal) => {
      // Without the catalogue a copy is a model of its own.
      const catalogue = await this.surroundings.catalogue().catch(() => []);
      return need(await keepFiles(files, { catalogue, signal, onProgress: sayTo(progress) }));
    });
  };

  write: StoreApi["write"] = (job, id, target, progress) => {
    return this.asJob(job, async (signal) => {
      const { source } = await this.whole(id, signal);
      await writeTo(source, target, { signal, onProgress: sayTo(progress) });
      return null;
    });
  };

  gather: StoreApi["gather"] = (job, id, progress) => {
    return this.asJob(job, async (signal) => {
      const { source } = await this.whole(id, signal);
      const parts = (await readRecord(id))?.parts ?? [];
      return gather(source, parts.length > 0 ? parts : [id], { signal, onProgress: sayTo(progress) });
    });
  };

  inspect: StoreApi["inspect"] = (job, request) => this.asJob(job, (signal) => inspect(request, this.surroundings, signal));

  convert: StoreApi["convert"] = (job, request, progress) => {
    return this.asJob(job, async (signal) => {
      const { id, check } = await convert(request, this.surroundings, { signal, onProgress: sayTo(progress) });
      return { model: await need(id), check };
    });
  };

  adapterFiles: StoreApi["adapterFiles"] = (job, request) => {
    return this.asJob(job, (signal) => fetchAdapterFiles(request, signal));
  };

  keepToken: StoreApi["keepToken"] = (origin, token) => reply(async () => (await keepToken(origin, token), null));

  tokenOrigins: StoreApi["tokenOrigins"] = () => reply(tokenOrigins);

  forgetReadings: StoreApi["forgetReadings"] = (conversation) => {
    return reply(async () => {
      await (conversation === null ? forgetAllReadings() : forgetConversation(conversation));
      return null;
    });
  };

  stop(job: number): Promise<void> {
    this.jobs.get(job)?.abort();
    return Promise.resolve();
  }

  private async whole(id: string, signal: AbortSignal): Promise<OpenedModel> {
    const opened = await openKept(id, this.surroundings, { signal });
    if (opened) return opened;
    throw new EngineError("not_found", "This model is not wholly stored.", "Download the rest of it first.");
  }

  private async asJob<T>(job: number, work: (signal: AbortSignal) => Promise<T>): Promise<Reply<T>> {
    const controller = new AbortController();
    this.jobs.set(job, controller);
    const outcome = await reply(() => work(controller.signal));
    this.jobs.delete(job);
    return outcome;
  }
}

async function readRoom(): Promise<Room> {
  const [{ quota = null, usage = null }, persistent, models] = await Promise.all([estimate(), isPersistent(), listModels()]);
  return {
    usageBytes: usage,
    quotaBytes: quota,
    freeBytes: quota === null ? null : Math.max(0, quota - (usage ?? 0)),
    modelsBytes: models.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    readingsBytes: await readingsBytes(),
    persistent,
  };
}

async function need(id: string): Promise<StoredModel> {
  const model = await findModel(id);
  if (model) return model;
  throw new EngineError("aborted", "The model was removed.");
}

function sayTo<T>(outlet: Outlet<T>): (message: T) => void {
  return (message) => outlet.postMessage(message);
}

async function reply<T>(work: () => Promise<T>): Promise<Reply<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: EngineError.record(error) };
  }
}
