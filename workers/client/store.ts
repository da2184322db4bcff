// The page's side of the store: get models without loading them, keep files, hand models out, look what there is.
import { transfer, type Remote } from "comlink";
import { connectStore } from "./workers.ts";
import type { Offer, Room, StoreApi, StoreProgress } from "../engine/base/storage.ts";
import type { Access, Outlet, Reply, StoredModel } from "../engine/base/wire.ts";

export interface StoreOptions {
  readonly onProgress?: (progress: StoreProgress) => void;
  /** Stops it. What has arrived or was copied stays: the same call goes on there, which is how a download is paused. */
  readonly signal?: AbortSignal;
}

/** What this site's data take, and how much more there may be. */
export function storageRoom(): Promise<Room> {
  return connectStore().ask((api) => api.room());
}

/**
 * What is behind an address: "owner/repository" of Hugging Face and its pages give a list to choose from; the URL of a GGUF file, "id" or
 * "owner/repository:Q4_K_M" one model. Downloads nothing.
 */
export function lookAt(address: string, access: Partial<Access> = {}, signal?: AbortSignal): Promise<Offer> {
  return job<Offer>({ ...(signal && { signal }) }, (api, id) => api.look(id, absolute(address), access));
}

/** Brings a model into the store without loading it. Two tabs that do so together fetch it once. */
export function downloadModel(address: string, options: StoreOptions & Partial<Access> = {}): Promise<StoredModel> {
  const { token = null, hub = null } = options;
  return job<StoredModel>(options, (api, id, outlet) => api.download(id, absolute(address), { token, hub }, outlet));
}

/** Copies a file from the disk (all files of a split model) into the store. */
export function keepFiles(files: readonly File[], options: StoreOptions = {}): Promise<StoredModel> {
  return job<StoredModel>(options, (api, id, outlet) => api.keep(id, [...files], outlet));
}

/**
 * Writes a stored model to a file that the person chooses; call it from a click. False where they chose none. Browsers without file pickers
 * get it as a download. The file opens in Cria on any device, which is how a model is copied there.
 */
export async function exportModel(model: Pick<StoredModel, "id" | "name">, options: StoreOptions = {}): Promise<boolean> {
  const { id, name } = model;
  if (window.showSaveFilePicker) {
    const target = await window.showSaveFilePicker({ suggestedName: name }).catch(nullIfClosed);
    if (target) await writeModel(id, target, options);
    return target !== null;
  }
  const url = URL.createObjectURL(await gatherModel(id, options));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 600_000); // the browser reads it while it saves
  return true;
}

/** Writes a stored model into a file that is open for writing; what was in it stays until all is written. */
export async function writeModel(id: string, target: FileSystemFileHandle, options: StoreOptions = {}): Promise<void> {
  await job<null>(options, (api, job, outlet) => api.write(job, id, target, outlet));
}

/** Checks a stored model and gives it as one Blob, which refers to what is stored: for browsers that write to no files. */
export function gatherModel(id: string, options: StoreOptions = {}): Promise<Blob> {
  return job<Blob>(options, (api, job, outlet) => api.gather(job, id, outlet));
}

/** The files of an adapter at an address, or of a hub's repository, as the page can keep them. */
export function adapterFiles(address: string, access: Partial<Access> = {}, signal?: AbortSignal): Promise<File[]> {
  const request = { ...access, files: [absolute(address)] };
  return job<File[]>({ ...(signal && { signal }) }, (api, id) => api.adapterFiles(id, request));
}

/** Forgets what models have read of a conversation, or of all of them: they read it again when it goes on. */
export async function forgetReadings(conversation: string | null = null): Promise<void> {
  await connectStore().ask((api) => api.forgetReadings(conversation));
}

/** Keeps an access token for a host ("https://huggingface.co") in this browser; null forgets it. It is sent to that host alone. */
export async function keepToken(origin: string, token: string | null): Promise<void> {
  await connectStore().ask((api) => api.keepToken(origin, token));
}

/** Hosts for which a token is kept. */
export function tokenOrigins(): Promise<readonly string[]> {
  return connectStore().ask((api) => api.tokenOrigins());
}

/**
 * An address that means the same in a worker: relative URLs are the page's. Catalogue ids ("id", "id:Q8_0"), keys of stored models and a
 * hub's "owner/repository" stay as they are.
 */
export function absolute(address: string): string {
  const isUrl = /^\.{0,2}\/|\/.*\/|\.gguf$/i.test(address) && !/^(own:|(www\.)?(huggingface\.co|hf\.co)\/)/.test(address);
  return isUrl ? new URL(address, document.baseURI).href : address;
}

declare global {
  interface Window {
    /** Chromium's file picker: https://wicg.github.io/file-system-access/ */
    readonly showSaveFilePicker?: (options: { readonly suggestedName: string }) => Promise<FileSystemFileHandle>;
  }
}

/** Calls the worker with a job that the signal stops and an outlet for its progress. */
async function job<T>(
  { onProgress, signal }: StoreOptions,
  call: (api: Remote<StoreApi>, id: number, outlet: Outlet<StoreProgress> & Transferable) => Promise<Reply<T>>,
): Promise<T> {
  const wire = connectStore();
  const running = wire.openJob(signal);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<StoreProgress>) => onProgress?.(data);
  try {
    return await wire.ask((api) => call(api, running.id, transfer(port2, [port2])));
  } finally {
    port1.close();
    running.done();
  }
}

function nullIfClosed(error: unknown): null {
  if (error instanceof Error && error.name === "AbortError") return null;
  throw error;
}
