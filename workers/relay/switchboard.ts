// The service worker's part: it joins callers with the tab that leads, and can call the engine itself. It keeps nothing between events.
import { awaitEngine, ENGINE_LOCK, isEngineCall, type EngineCall, type EnginePort } from "./calls.ts";
import { beginLife } from "./life.ts";

/** Answers a tab that wants the engine: it gets the other ends of channels whose one ends the other tabs get. */
export async function connectCall(event: ExtendableMessageEvent, clients: Clients): Promise<void> {
  const [answer] = event.ports;
  if (!answer || !isEngineCall(event.data)) return;
  const caller = event.source instanceof Client ? event.source.id : "";
  const ports = await offer(event.data, clients, caller);
  answer.postMessage(null, ports);
}

/** A port to the engine that its caller can give up. */
export interface EngineLine extends EnginePort {
  /** Lets the engine drop what was asked over it. */
  hangUp(): void;
}

/**
 * A line to the engine of whichever tab leads, for the service worker's own use; null where none does. The engine drops what was asked over it
 * when the service worker ends.
 */
export async function callEngine(clients: Clients): Promise<EngineLine | null> {
  const { held = [] } = await navigator.locks.query();
  if (!held.some((lock) => lock.name === ENGINE_LOCK)) return null;
  const { name, end } = await beginLife();
  const engine = await awaitEngine(await offer({ type: "engine wanted", engine: ENGINE_LOCK, life: name }, clients, ""));
  if (!engine) end();
  const hangUp = (): void => {
    end();
    engine?.port.close();
  };
  return engine && { ...engine, hangUp };
}

/** Gives every tab but the caller's one end of a channel of its own; the tab that leads answers. Returns the other ends. */
async function offer(call: EngineCall, clients: Clients, caller: string): Promise<MessagePort[]> {
  const tabs = await clients.matchAll({ type: "window", includeUncontrolled: true });
  return tabs
    .filter((tab) => tab.id !== caller)
    .map((tab) => {
      const { port1, port2 } = new MessageChannel();
      tab.postMessage(call, [port1]);
      return port2;
    });
}
