// The page's side of the wire: what a page, a widget or another site asks of the engine. Errors are revived, an
// AbortSignal becomes stop(job), and nothing heavy runs here.
import { transfer } from "comlink";
import { connect } from "./engine.ts";
import { nextFrame, whenSeen } from "./frames.ts";
import { SeatedModel, type Seat } from "./model.ts";
import { run } from "./requests.ts";
import { absolute } from "./store.ts";
import type { Api } from "./wire.ts";
import type { Advice, AdviceSubject } from "../engine/base/advice.ts";
import type { ModelDetails } from "../engine/base/details.ts";
import type { Cria, LoadOptions, ModelChange } from "../engine/base/cria.ts";
import { EngineError } from "../engine/base/errors.ts";
import type {
  Access,
  CatalogueEntry,
  LoadProgress,
  LoadRequest,
  ModelPreview,
  ModelSource,
  Reply,
  StoredModel,
} from "../engine/base/wire.ts";

/**
 * Loads a model; the one loaded before it is freed. Rejects with an `EngineError`: with `aborted` when `signal` fires, and
 * then nothing of it is left in memory, while what was downloaded stays stored.
 */
export async function load(options: LoadOptions): Promise<Cria> {
  const {
    onProgress,
    onChange,
    backend = "auto",
    contextLength = null,
    cache = "f16",
    memoryBytes,
    afterCrashes = false,
    onlyIfFree = false,
    token = null,
    hub = null,
  } = options;
  const request = {
    model: oneModel(options.model),
    backend,
    contextLength,
    cache,
    memoryBytes,
    afterCrashes,
    onlyIfFree,
    token,
    hub,
  };
  const first = await seat(request, options);
  return settle(first, { ...(onProgress && { onProgress }), ...(onChange && { onChange }) });
}

/** What is optional where a model is joined. */
export interface JoinOptions extends Pick<LoadOptions, "onProgress" | "onChange"> {
  /** Waits for one that is being loaded. */
  readonly patiently?: boolean;
}

/** The model that is in memory, whoever loaded it, and what it was loaded from; null where there is none. */
export async function currentModel(
  options: JoinOptions = {},
): Promise<{ readonly cria: Cria; readonly model: ModelSource } | null> {
  const { wire, elsewhere } = await connect();
  const loaded = await wire.ask((api) => api.join(options.patiently ?? false));
  return loaded && { cria: settle({ wire, elsewhere, loaded }, options), model: loaded.request.model };
}

/** What is known of a model before it is loaded. Reads the first bytes of its file, never more. */
export function preview(model: ModelSource, access: Partial<Access> = {}): Promise<ModelPreview> {
  return ask((api) => api.preview(oneModel(model), access));
}

/** All that the header of a model's file says; nothing else of the file is read. */
export function inspect(model: ModelSource, signal?: AbortSignal): Promise<ModelDetails> {
  return job(signal, (api, id) => api.inspect(id, oneModel(model)));
}

/**
 * Foretells how models would do on this device: whether each fits, how long a context, how soon the first word, how many tokens a second.
 * Of a model that has to be looked into, the header is read and nothing else. The device is measured once, in about half a second of
 * silence, and `again` where asked. Rejects with what reading the header rejects with.
 */
export function advise(
  subjects: readonly AdviceSubject[],
  { again = false, signal }: { again?: boolean; signal?: AbortSignal } = {},
): Promise<readonly Advice[]> {
  const addressed = subjects.map((subject) => (typeof subject === "string" ? absolute(subject) : subject));
  return job(signal, (api, id) => api.advise(id, addressed, again));
}

/** The models the app offers. */
export function catalogue(): Promise<readonly CatalogueEntry[]> {
  return ask((api) => api.catalogue());
}

/** The models in the store, whole or in part. */
export function storedModels(): Promise<readonly StoredModel[]> {
  return ask((api) => api.storedModels());
}

/** Removes a model's bytes from the store. A loaded model goes on working. */
export async function removeModel(id: string): Promise<void> {
  await ask((api) => api.removeModel(id));
}

/** Unloads the model and removes all that the engine stored: models, measured facts, crash counts. Conversations are the page's. */
export async function deleteEverything(): Promise<void> {
  await ask((api) => api.deleteEverything());
}

/** Asks the engine, wherever it is. */
async function ask<T>(call: (api: Api) => Promise<Reply<T>>): Promise<T> {
  return (await connect()).wire.ask(call);
}

/** The same, as a job that `signal` stops. */
async function job<T>(signal: AbortSignal | undefined, call: (api: Api, job: number) => Promise<Reply<T>>): Promise<T> {
  return run((await connect()).wire, signal, call);
}

/** Brings a model into the engine's memory, wherever the engine is. */
async function seat(request: LoadRequest, { onProgress, signal }: Pick<LoadOptions, "onProgress" | "signal">): Promise<Seat> {
  const { wire, elsewhere } = await connect();
  const progress = new MessageChannel();
  progress.port1.onmessage = ({ data }: MessageEvent<LoadProgress>) => onProgress?.(data);
  const outlet = transfer(progress.port2, [progress.port2]);
  try {
    return { wire, elsewhere, loaded: await run(wire, signal, (api, id) => api.load(id, request, outlet)) };
  } finally {
    progress.port1.close();
  }
}

/** The model of a seat. Where its tab goes, it is loaded again: at once if this page is looked at and listens, else when it is needed. */
function settle(first: Seat, { onProgress, onChange }: JoinOptions): SeatedModel {
  // Whatever took that tab down is counted against the model: it does not take down one tab after the other.
  const request = { ...first.loaded.request, afterCrashes: false };
  const again = (): Promise<Seat> => seat(request, onProgress ? { onProgress } : {});
  const hear = (change: ModelChange): void => {
    onChange?.(change);
    if (change.kind === "lost")
      void whenSeen()
        .then(() => model.seated())
        .catch(fail);
  };
  const fail = (error: unknown): void => onChange?.({ kind: "failed", error: EngineError.record(error) });
  const model: SeatedModel = new SeatedModel(first, { again, onChange: onChange && hear, pace: nextFrame });
  return model;
}

function oneModel(model: LoadOptions["model"]): ModelSource {
  return typeof model === "string" ? absolute(model) : model;
}
