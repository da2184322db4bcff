// The adapters of a model, as its caller sees them. They are known here too: where the model comes back in another place, so do they.
import { absolute } from "./store.ts";
import type { Api } from "./wire.ts";
import type { AdapterInfo, AdapterPreview, AdapterRequest } from "../engine/base/adapters.ts";
import type { AdapterFiles, AdapterOptions, Adapters } from "../engine/base/cria.ts";
import type { Reply } from "../engine/base/wire.ts";

/** Calls the engine that has the model, wherever it is, as a job that `signal` stops. */
export type CallModel = <T>(
  signal: AbortSignal | undefined,
  call: (api: Api, job: number, model: number) => Promise<Reply<T>>,
) => Promise<T>;

/** The adapters of one model. */
export class ModelAdapters implements Adapters {
  private readonly requests = new Map<string, AdapterRequest>();

  constructor(private readonly call: CallModel) {}

  async load(files: AdapterFiles, { signal, ...options }: AdapterOptions = {}): Promise<AdapterInfo> {
    const request = { ...options, files: listOf(files) };
    const info = await this.call(signal, (api, job, model) => api.addAdapter(model, job, request));
    this.requests.set(info.id, request);
    return info;
  }

  preview(files: AdapterFiles, { signal, ...options }: AdapterOptions = {}): Promise<AdapterPreview> {
    const request = { ...options, files: listOf(files) };
    return this.call(signal, (api, job, model) => api.previewAdapter(model, job, request));
  }

  list(): Promise<readonly AdapterInfo[]> {
    return this.call(undefined, (api, _, model) => api.adapters(model));
  }

  async remove(id: string): Promise<void> {
    this.requests.delete(id);
    await this.call(undefined, (api, _, model) => api.removeAdapter(model, id));
  }

  /** Loads those that were loaded here into a new place of the model, with `call`. */
  async restore(call: CallModel): Promise<void> {
    for (const [id, request] of this.requests) {
      await call(undefined, (api, job, model) => api.addAdapter(model, job, { ...request, id }));
    }
  }
}

function listOf(files: AdapterFiles): (string | File)[] {
  const all = typeof files === "string" || files instanceof File ? [files] : [...files];
  return all.map((file) => (typeof file === "string" ? absolute(file) : file));
}
