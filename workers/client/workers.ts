// The workers that a page starts: one that runs a model, one that keeps models.
import { wrap, type Remote } from "comlink";
import type { StoreApi } from "../engine/base/storage.ts";
import type { WorkerApi } from "../engine/base/wire.ts";
import { Wire, type Api } from "./wire.ts";
import engineProgram from "../llm.worker.ts?worker&url";
import { isElsewhere, startFromElsewhere } from "../program.ts";
import storeProgram from "../store.worker.ts?worker&url";
import { serveThreads } from "../threads.ts";

let store: Wire<Remote<StoreApi>> | null = null;

/** An engine of this page's own. `onEnd` is called when it has ended, however it did. */
export function startEngine(onEnd: () => void): { readonly wire: Wire<Api>; readonly worker: Worker } {
  const worker = isElsewhere(engineProgram)
    ? startFromElsewhere(engineProgram, "cria")
    : new Worker(new URL("../llm.worker.ts", import.meta.url), { type: "module", name: "cria" });
  const endThreads = serveThreads(worker);
  const wire = new Wire<Api>(wrap<WorkerApi>(worker), () => {
    worker.terminate();
    endThreads();
    onEnd();
  });
  watch(worker, wire, "The model's worker", "Load the model again.");
  return { wire, worker };
}

/** The living worker that keeps models; a new one where there is none. */
export function connectStore(): Wire<Remote<StoreApi>> {
  if (store === null || store.isDead) {
    const worker = isElsewhere(storeProgram)
      ? startFromElsewhere(storeProgram, "cria-store")
      : new Worker(new URL("../store.worker.ts", import.meta.url), { type: "module", name: "cria-store" });
    store = new Wire(wrap<StoreApi>(worker), () => worker.terminate());
    watch(worker, store, "The store's worker", "Try again: what has arrived is kept.");
  }
  return store;
}

/** Ends the connection when the worker fails. */
function watch(worker: Worker, wire: Pick<Wire<Api>, "die">, name: string, hint: string): void {
  const die = (reason: string): void => wire.die({ code: "internal", message: `${name} stopped: ${reason}.`, hint });
  worker.onerror = (event) => {
    event.preventDefault();
    die(event.message || "its program could not be loaded");
  };
  worker.onmessageerror = () => die("a message could not be read");
}
