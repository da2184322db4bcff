// One engine for all tabs: whoever takes the lock starts it, everybody else gets a port to it through the service worker.
// Where no service worker is in charge of a page, or the browser has no locks, the page has an engine of its own.
import { wrap } from "comlink";
import type { ErrorRecord } from "../engine/base/errors.ts";
import type { WorkerApi } from "../engine/base/wire.ts";
import { acceptCall, awaitEngine, ENGINE_LOCK, isEngineCall, type EngineCall, type EnginePort } from "../relay/calls.ts";
import { beginLife, endOfLife } from "../relay/life.ts";
import { Wire, type Api } from "./wire.ts";
import { startEngine } from "./workers.ts";

/** How often in a row a tab that holds the lock may leave a call unanswered before it is taken for frozen. */
const UNANSWERED = 2;
/** A service worker starts within this, or is taken for none. */
const SWITCHBOARD_WITHIN_MS = 10_000;

/** What a call ends with when the engine's tab has gone. */
const GONE: ErrorRecord = {
  code: "engine_gone",
  message: "The tab in which the model was running has ended.",
  hint: "Ask again: this tab loads the model itself.",
};

/** A way to the engine. */
export interface Connection {
  readonly wire: Wire<Api>;
  /** The engine runs in another tab. */
  readonly elsewhere: boolean;
}

let current: Promise<Connection> | null = null;

/** The way to the living engine; started or looked for where there is none. */
export function connect(): Promise<Connection> {
  if (current) return current;
  const connecting = reach();
  const forget = (): void => {
    if (current === connecting) current = null;
  };
  connecting.then(({ wire }) => wire.onDeath(forget), forget);
  return (current = connecting);
}

async function reach(): Promise<Connection> {
  if (!("locks" in navigator)) return alone();
  for (let unanswered = 0; ; unanswered++) {
    const lead = await takeLead(unanswered >= UNANSWERED);
    if (lead) return leading(lead);
    const controller = "serviceWorker" in navigator ? navigator.serviceWorker.controller : null;
    if (!controller) return alone();
    const engine = await call(controller);
    if (engine === "no switchboard") return alone();
    if (engine) return engine;
  }
}

/** An engine that nobody else knows of. */
function alone(): Connection {
  return { wire: startEngine(() => undefined).wire, elsewhere: false };
}

/** The lock of the tab whose engine serves all. */
interface Lead {
  release(): void;
  /** Another tab took it because this one did not answer. */
  readonly taken: Promise<void>;
}

/** The lead, if nobody has it; or from whoever has it. */
function takeLead(fromAnybody: boolean): Promise<Lead | null> {
  return new Promise((resolve, reject) => {
    let take: () => void = () => undefined;
    const taken = new Promise<void>((resolve) => (take = resolve));
    let led = false;
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (!lock) return void resolve(null);
      led = true;
      return new Promise((release) => resolve({ release, taken }));
    };
    const mode = fromAnybody ? { steal: true } : { ifAvailable: true };
    navigator.locks.request(ENGINE_LOCK, mode, hold).catch((error: unknown) => (led ? take() : reject(error)));
  });
}

/** Starts the engine that serves all tabs, until it fails, or this tab is put aside. */
function leading(lead: Lead): Connection {
  const end = new AbortController();
  const { signal } = end;
  const { wire, worker } = startEngine(() => {
    end.abort();
    lead.release();
  });
  const stepDown = (): void => wire.die(GONE);
  let isShared = false;
  void lead.taken.then(stepDown);
  // Also into the back/forward cache: gigabytes have no place there. Whoever comes back from it loads again.
  addEventListener("pagehide", stepDown, { signal });
  document.addEventListener("freeze", () => isShared && stepDown(), { signal });
  if (!("serviceWorker" in navigator)) return { wire, elsewhere: false };
  const pass = ({ data, ports: [port] }: MessageEvent<unknown>): void => {
    if (!port || !isEngineCall(data)) return;
    isShared = true;
    acceptCall(port);
    worker.postMessage(data, [port]);
  };
  navigator.serviceWorker.addEventListener("message", pass, { signal });
  navigator.serviceWorker.startMessages();
  return { wire, elsewhere: false };
}

/** Asks the other tabs for their engine. Null where none answers. */
async function call(controller: ServiceWorker): Promise<Connection | "no switchboard" | null> {
  const life = await beginLife();
  const ports = await offers(controller, { type: "engine wanted", engine: ENGINE_LOCK, life: life.name });
  const engine = ports && (await awaitEngine(ports));
  if (!engine) life.end();
  if (!ports) return "no switchboard";
  return engine && { wire: wireTo(engine, life.end), elsewhere: true };
}

/** A connection to an engine elsewhere, which lasts as long as that does. */
function wireTo({ port, life }: EnginePort, onEnd: () => void): Wire<Api> {
  const end = new AbortController();
  const wire = new Wire<Api>(wrap<WorkerApi>(port), () => {
    end.abort();
    port.close();
    onEnd();
  });
  const gone = (): void => wire.die(GONE);
  void endOfLife(life).then(gone);
  addEventListener("pagehide", gone, { signal: end.signal }); // a page in the back/forward cache hears nothing
  return wire;
}

/** One port to each of the other tabs; null where the service worker does not answer, as one of an earlier version. */
function offers(controller: ServiceWorker, call: EngineCall): Promise<readonly MessagePort[] | null> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      port1.close();
      resolve(null);
    }, SWITCHBOARD_WITHIN_MS);
    port1.onmessage = ({ ports }) => {
      clearTimeout(timer);
      port1.close();
      resolve(ports);
    };
    controller.postMessage(call, [port2]);
  });
}
