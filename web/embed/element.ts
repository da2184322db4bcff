// <cria-chat>: a button or a panel in anybody's page, and in it a frame of Cria's own origin. Neither side can reach into the other.
import { EngineError } from "../../workers/engine/base/errors.ts";
import { languageOf, schemeOf, textAt, themeOf, watchAppearance } from "./appearance.ts";
import type { CriaChatElement, CriaChatEventMap, CriaChatOptions } from "./contract.ts";
import { elementWords } from "./element-words.ts";
import { Link } from "./link.ts";
import { LONGEST, type Config, type FromFrame, type WidgetState } from "./messages.ts";
import { OPTION_NAMES, OPTIONS, type OptionName } from "./options.ts";
import { Shell } from "./shell.ts";

/** Where this script came from; a page that bundles it says `home` instead. In two steps: the build takes one for a file to bundle. */
const SCRIPT: string = import.meta.url;
const HOME = new URL(".", SCRIPT).href;

/** One of the page's own questions, until it is answered. */
interface Pending {
  readonly text: string;
  resolve(answer: string): void;
  reject(error: EngineError): void;
}

/** The element. Options, methods and events are described in contract.ts. */
export class CriaChat extends HTMLElement implements CriaChatElement {
  static readonly observedAttributes = ["open", ...OPTION_NAMES.map((name) => OPTIONS[name].attribute)];

  declare model: string;
  declare system: string;
  declare greeting: string;
  declare heading: string;
  declare label: string;
  declare placeholder: string;
  declare suggestions: readonly string[];
  declare language: string;
  declare theme: CriaChatOptions["theme"];
  declare display: CriaChatOptions["display"];
  declare position: CriaChatOptions["position"];
  declare size: CriaChatOptions["size"];
  declare context: string;
  declare contextLabel: string;
  declare contextFrom: string;
  declare budget: number | null;
  declare home: string;

  readonly #values = new Map<OptionName, unknown>();
  readonly #shell = new Shell(this.attachShadow({ mode: "open" }), () => (this.open = !this.open));
  readonly #asks = new Map<string, Pending>();
  #link: Link | null = null;
  #state: WidgetState = "closed";
  #open = false;
  #read = "";
  #leave: (() => void)[] = [];
  #changed = false;
  #lastAsk = 0;

  static {
    for (const name of OPTION_NAMES)
      Object.defineProperty(this.prototype, name, {
        configurable: true,
        enumerable: true,
        get(this: CriaChat) {
          return this.#values.has(name) ? this.#values.get(name) : OPTIONS[name].read(null);
        },
        set(this: CriaChat, value: unknown) {
          this.#values.set(name, OPTIONS[name].read(value));
          this.#change();
        },
      });
  }

  get state(): WidgetState {
    return this.#state;
  }

  get open(): boolean {
    return this.#open;
  }

  set open(open: boolean) {
    if (this.#open === Boolean(open)) return;
    this.#open = Boolean(open);
    this.toggleAttribute("open", this.#open);
    if (!this.isConnected) return;
    this.#draw();
    if (this.#open) this.#tellContext();
    if (this.#open) this.#shell.enter();
    else this.#shell.leave();
    this.#link?.post({ type: "shown", shown: this.#open, focus: this.#open });
  }

  connectedCallback(): void {
    this.#adoptProperties();
    this.#leave.push(watchAppearance(this, () => this.#change()));
    this.#draw();
    if (this.#open) this.#tellContext();
    else if (this.display === "inline") this.#leave.push(this.#shell.onNear(() => this.#tellContext()));
  }

  disconnectedCallback(): void {
    for (const leave of this.#leave.splice(0)) leave();
    this.#link?.close();
    this.#link = null;
    this.#shell.removeFrame();
    this.#state = "closed";
    for (const { reject } of this.#asks.values()) reject(new EngineError("aborted", "The widget was taken out of the page."));
    this.#asks.clear();
  }

  attributeChangedCallback(attribute: string, _before: string | null, value: string | null): void {
    if (attribute === "open") this.open = value !== null;
    const name = OPTION_NAMES.find((option) => OPTIONS[option].attribute === attribute);
    if (!name) return;
    this.#values.set(name, OPTIONS[name].read(value));
    this.#change();
  }

  async ask(question: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<string> {
    const text = String(question).trim();
    if (text === "") throw new EngineError("bad_request", "The question is empty.");
    if (text.length > LONGEST.question)
      throw new EngineError(
        "bad_request",
        `The question has ${text.length} characters; it can have ${LONGEST.question}.`,
        "Give long texts as `context`.",
      );
    if (!this.isConnected) throw new EngineError("bad_request", "The widget is in no page.", "Append it to the document first.");
    if (signal?.aborted) throw new EngineError("aborted", "Stopped before it began.");
    const id = `ask-${++this.#lastAsk}`;
    const stop = (): void => this.stop();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#asks.set(id, { text, resolve, reject });
        this.open = true;
        this.#tellContext();
        this.#link?.post({ type: "ask", id, text });
      });
    } finally {
      this.#asks.delete(id);
      signal?.removeEventListener("abort", stop);
    }
  }

  stop(): void {
    this.#link?.post({ type: "stop" });
  }

  reset(): void {
    this.#link?.post({ type: "reset" });
  }

  #start(): void {
    const page = new URL("embed.html", new URL(this.home || HOME, document.baseURI));
    const frame = this.#shell.addFrame(this.heading || "Cria");
    this.#link = new Link(frame, page.origin, () => this.#config(), {
      met: () => {
        this.#shell.met();
        if (this.#open) this.#shell.enter();
        this.#link?.post({ type: "shown", shown: this.#open || this.display === "inline", focus: this.#open });
        for (const [id, { text }] of this.#asks) this.#link?.post({ type: "ask", id, text });
      },
      message: (message) => this.#receive(message),
      silent: () => this.#fail(page.origin),
    });
    this.#state = "connecting";
    this.#shell.say(elementWords(this.#language()).opening);
    frame.src = page.href;
    this.#draw();
  }

  #receive(message: FromFrame): void {
    switch (message.type) {
      case "state":
        this.#state = message.state;
        return;
      case "ready":
        return this.#tell("ready", { model: message.model, backend: message.backend, threads: message.threads });
      case "token":
        return this.#tell("token", { id: message.id, text: message.text });
      case "message": {
        const { id, role, text, tokens } = message;
        if (id !== null && role === "assistant") this.#asks.get(id)?.resolve(text);
        return this.#tell("message", { id, role, text, tokens, shared: id === null });
      }
      case "error": {
        const { id, error } = message;
        if (id !== null) this.#asks.get(id)?.reject(EngineError.revive(error));
        return this.#tell("error", { id, ...error });
      }
      case "close":
        this.open = false;
    }
  }

  /** Ends what can't be; the next `ask` or opening tries anew. */
  #fail(origin: string): void {
    this.#state = "failed";
    this.#link?.close();
    this.#link = null;
    this.#shell.removeFrame();
    this.#shell.say(elementWords(this.#language()).unreachable);
    const error = new EngineError(
      "not_allowed",
      `No answer from Cria at ${origin}: it cannot be reached, or does not let ${location.origin} show it.`,
      "The deployment's embed.json names the sites that may.",
    );
    for (const { reject } of this.#asks.values()) reject(error);
    this.#tell("error", { id: null, ...EngineError.record(error) });
  }

  #tell<K extends keyof CriaChatEventMap>(type: K, detail: CriaChatEventMap[K]["detail"]): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** What was set on the element before the browser knew what it is. */
  #adoptProperties(): void {
    for (const name of [...OPTION_NAMES, "open"] as const) {
      if (!Object.hasOwn(this, name)) continue;
      const value: unknown = Reflect.get(this, name);
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
  }

  /** Draws, and tells the frame, once for all that changes in one go. */
  #change(): void {
    if (this.#changed) return;
    this.#changed = true;
    queueMicrotask(() => {
      this.#changed = false;
      if (!this.isConnected) return;
      this.#draw();
      this.#link?.post({ type: "configure", config: this.#config() });
    });
  }

  #draw(): void {
    const words = elementWords(this.#language());
    this.#shell.draw({
      open: this.#open,
      display: this.display,
      position: this.position,
      size: this.size,
      scheme: schemeOf(this, this.theme),
      label: this.label || words.ask,
      close: words.close,
      heading: this.heading || "Cria",
    });
  }

  /** Brings the frame, and to one that is here the page's text as it is now. */
  #tellContext(): void {
    if (this.contextFrom !== "") this.#read = textAt(this.contextFrom, LONGEST.context);
    if (this.#link) this.#link.post({ type: "configure", config: this.#config() });
    else this.#start();
  }

  #language(): string {
    return this.language || languageOf(this) || navigator.language;
  }

  #config(): Config {
    const { model, system, greeting, heading, placeholder, suggestions, display, contextLabel, budget } = this;
    return {
      ...{ model, system, greeting, heading, placeholder, suggestions, display, contextLabel, budget },
      context: this.context || this.#read,
      language: this.#language().slice(0, LONGEST.line),
      scheme: schemeOf(this, this.theme),
      theme: themeOf(this),
    };
  }
}

if (!customElements.get("cria-chat")) customElements.define("cria-chat", CriaChat);
