// What tabs, the service worker and the engine's worker say to each other until a port leads from a caller to the engine.
//
//   caller -> service worker   EngineCall, with a port for the answer
//   service worker -> tabs     EngineCall, with one end of a channel each; the other ends go to the caller
//   the tab that leads         "leads" into its end, which it then gives to the engine's worker
//   the engine's worker        Welcome into that end, and from then on its api over comlink

/** The lock of the tab whose engine serves all. The number goes up when tabs of two versions would not understand each other. */
export const ENGINE_LOCK = "cria-engine 1";

/** Somebody wants a port to the engine. */
export interface EngineCall {
  readonly type: "engine wanted";
  /** `ENGINE_LOCK` of the caller. */
  readonly engine: string;
  /** Name of the caller's life: the engine drops its work when that ends. */
  readonly life: string;
}

/** The engine's first words to a caller. */
export interface Welcome {
  readonly type: "welcome";
  /** Name of the engine's life. */
  readonly life: string;
}

/** A port to the engine's api, ready for comlink. */
export interface EnginePort {
  readonly port: MessagePort;
  /** Name of the engine's life: when that ends, nothing more comes from the port. */
  readonly life: string;
}

const LEADS = "leads";
/** A tab that leads says so at once, unless the browser has frozen it. */
const LEADS_WITHIN_MS = 4000;

export function isEngineCall(data: unknown): data is EngineCall {
  return isRecord(data) && data["type"] === "engine wanted" && data["engine"] === ENGINE_LOCK && typeof data["life"] === "string";
}

/** Answers a call as the tab that leads, before the port goes to the engine's worker. */
export function acceptCall(port: MessagePort): void {
  port.postMessage(LEADS);
}

/**
 * Waits for the tab that leads among those at the other ends, then for its engine, which may be busy for a while. Null where no tab leads, or
 * the one that does is frozen or ended meanwhile.
 */
export function awaitEngine(ports: readonly MessagePort[], withinMs = LEADS_WITHIN_MS): Promise<EnginePort | null> {
  return new Promise((resolve) => {
    const giveUp = (): void => {
      for (const port of ports) port.close();
      resolve(null);
    };
    let timer = setTimeout(giveUp, ports.length > 0 ? withinMs : 0);
    for (const port of ports) {
      port.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data === LEADS) {
          clearTimeout(timer);
          timer = setTimeout(giveUp, 15 * withinMs); // the engine may be in the middle of a long step
          for (const other of ports) if (other !== port) other.close();
        }
        if (!isWelcome(data)) return;
        clearTimeout(timer);
        port.onmessage = null;
        resolve({ port, life: data.life });
      };
    }
  });
}

function isWelcome(data: unknown): data is Welcome {
  return isRecord(data) && data["type"] === "welcome" && typeof data["life"] === "string";
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null;
}
