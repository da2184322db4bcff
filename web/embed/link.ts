// The page's end of the channel to one frame: the meeting, then typed messages both ways.
import { isFromFrame, isHello, VERSION, type Config, type FromFrame, type ToFrame } from "./messages.ts";

/** So long may a frame be silent after it has loaded: a refused or unreachable one never speaks. */
const SILENCE_MS = 8_000;

export interface LinkEvents {
  /** The frame has met us; anew where it was reloaded. */
  met(): void;
  message(message: FromFrame): void;
  /** The frame has loaded, or not, and does not answer. */
  silent(): void;
}

/** A channel to the frame, from the frame's first word on. What is posted before the two have met is lost: `met` is the time to say it. */
export class Link {
  #port: MessagePort | null = null;
  #timer = 0;

  /** `config` is asked when the frame introduces itself. Only the frame itself, with a page of `origin`, is listened to. */
  constructor(
    private readonly frame: HTMLIFrameElement,
    private readonly origin: string,
    private readonly config: () => Config,
    private readonly events: LinkEvents,
  ) {
    addEventListener("message", this.#hear);
    frame.addEventListener("load", this.#watch);
  }

  post(message: ToFrame): void {
    this.#port?.postMessage(message);
  }

  close(): void {
    removeEventListener("message", this.#hear);
    this.frame.removeEventListener("load", this.#watch);
    clearTimeout(this.#timer);
    this.#port?.close();
    this.#port = null;
  }

  readonly #watch = (): void => {
    clearTimeout(this.#timer);
    if (!this.#port) this.#timer = setTimeout(() => this.events.silent(), SILENCE_MS);
  };

  readonly #hear = ({ source, origin, data }: MessageEvent<unknown>): void => {
    if (source !== this.frame.contentWindow || origin !== this.origin || !isHello(data)) return;
    clearTimeout(this.#timer);
    this.#port?.close();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isFromFrame(data)) this.events.message(data);
    };
    this.frame.contentWindow?.postMessage({ cria: VERSION, type: "connect", config: this.config() }, this.origin, [port2]);
    this.events.met();
  };
}
