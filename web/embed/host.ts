// The frame's end of the channel: it meets the page around it once, and tells it nothing before it knows who that is.
import { isConnect, isToFrame, VERSION, type Config, type FromFrame, type ToFrame } from "./messages.ts";

/** The page around the frame. */
export interface Host {
  /** As the browser says, not as the page does. "null" for sandboxed pages and files. */
  readonly origin: string;
  /** What it wished for when we met. */
  readonly config: Config;
  post(message: FromFrame): void;
  /** Hears the page's messages; `strange` hears of each that is none. Messages that came before are not lost. */
  listen(hear: (message: ToFrame) => unknown, strange: () => void): void;
}

/** The page around this frame. Waits for it as long as it takes; only the parent's own word counts, and only the first. */
export function meetHost(): Promise<Host> {
  return new Promise((resolve) => {
    const hear = ({ source, origin, data, ports }: MessageEvent<unknown>): void => {
      if (source !== window.parent || !isConnect(data) || ports.length !== 1) return;
      removeEventListener("message", hear);
      resolve(new Port(origin, data.config, ports[0]!));
    };
    addEventListener("message", hear);
    window.parent.postMessage({ cria: VERSION, type: "hello" }, "*");
  });
}

/** The origins around the frame, inside out, as far as the browser tells: a page on the list may itself be framed by one that is not. */
export function originsAround(parent: string): readonly string[] {
  const around = "ancestorOrigins" in location ? [...location.ancestorOrigins] : [];
  return around.length > 0 ? [parent, ...around.slice(1)] : [parent];
}

class Port implements Host {
  constructor(
    readonly origin: string,
    readonly config: Config,
    private readonly port: MessagePort,
  ) {}

  post(message: FromFrame): void {
    this.port.postMessage(message);
  }

  listen(hear: (message: ToFrame) => unknown, strange: () => void): void {
    this.port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isToFrame(data)) hear(data);
      else strange();
    };
  }
}
