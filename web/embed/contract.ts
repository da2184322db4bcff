// What a page sees of the widget: its properties, methods and events. Types alone; the build makes cria-chat.d.ts of them.

/** Where a floating widget sits. */
export type CriaChatPosition = "bottom-right" | "bottom-left" | "top-right" | "top-left";

/**
 * What the widget is doing. closed: never opened. connecting: its frame is on the way. asking: the visitor has not yet agreed to the
 * download. declined: the visitor said no. loading, ready, answering. failed: see the `error` event.
 */
export type CriaChatState = "closed" | "connecting" | "asking" | "declined" | "loading" | "ready" | "answering" | "failed";

/** The model is in memory: a question is answered at once. */
export interface CriaChatReady {
  readonly model: string;
  /** "webgpu" or "wasm". */
  readonly backend: string;
  readonly threads: number;
}

/** A piece of an answer to one of the page's own questions. */
export interface CriaChatToken {
  /** The question's id: the same in all its events. */
  readonly id: string;
  readonly text: string;
}

/** A whole answer to one of the page's own questions; or, with `shared`, what a visitor chose to share. */
export interface CriaChatMessage {
  /** Null for what a visitor shared. */
  readonly id: string | null;
  readonly role: "user" | "assistant";
  readonly text: string;
  /** Tokens of the text; 0 for questions. */
  readonly tokens: number;
  readonly shared: boolean;
}

/** What went wrong, and what helps. */
export interface CriaChatError {
  /** The question that failed; null where it was none. */
  readonly id: string | null;
  /** "declined", "not_allowed", "budget_spent", "busy", "aborted", "network", "out_of_memory" and the other codes of cria.js. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface CriaChatEventMap {
  ready: CustomEvent<CriaChatReady>;
  token: CustomEvent<CriaChatToken>;
  message: CustomEvent<CriaChatMessage>;
  error: CustomEvent<CriaChatError>;
}

/** Every property is an attribute too, in kebab case; the exceptions say so. A value that makes no sense counts as none. */
export interface CriaChatOptions {
  /** Id of the deployment's catalogue, or the address of a GGUF file. Default: the first of the catalogue. */
  model: string;
  /** What the model is told before anything else. Default: what suits the model. */
  system: string;
  /** What the widget says first. */
  greeting: string;
  /** Its title. Default "Cria". */
  heading: string;
  /** Text of the button. Default "Ask", in the visitor's language. */
  label: string;
  placeholder: string;
  /** Questions to begin with, at most 6. As an attribute: separated by "|". */
  suggestions: readonly string[];
  /** "de", "pt-BR". Default: the language of the page around it, else the visitor's. */
  language: string;
  /** Default "auto": what the page's `color-scheme` says, else what the visitor's system says. */
  theme: "auto" | "light" | "dark";
  /** A button that opens a panel, or the panel itself in the page's flow. Default "button". */
  display: "button" | "inline";
  position: CriaChatPosition;
  size: "small" | "medium" | "large";
  /** Text of the page that the model is to know. The visitor can read it in the widget. */
  context: string;
  /** What the context is, in a few words: "This article". */
  contextLabel: string;
  /** CSS selector of the element whose text is the context; "selection" takes what is selected. It is read when the widget opens and at each `ask`. */
  contextFrom: string;
  /** Tokens a visitor's device may compute for this site in a day; null for the deployment's limit. It can only lower that. */
  budget: number | null;
  /** The folder that Cria is in. Default: where cria-chat.js came from. */
  home: string;
}

/** The element `<cria-chat>`. */
export interface CriaChatElement extends HTMLElement, CriaChatOptions {
  /** Whether the panel is open. The attribute says so too. */
  open: boolean;
  readonly state: CriaChatState;
  /**
   * Asks in the page's name, and resolves with the answer. It opens the widget; the visitor sees question and answer, and is asked
   * first where a model has to be downloaded. What visitors typed is not given to the model with it, unless they share it. Rejects with an error
   * that has `code`, `message` and `hint`.
   */
  ask(question: string, options?: { readonly signal?: AbortSignal }): Promise<string>;
  /** Ends the answer where it is; its `ask` resolves with what there is. */
  stop(): void;
  /** Empties the conversation. */
  reset(): void;
  addEventListener<K extends keyof CriaChatEventMap>(
    type: K,
    listener: (this: CriaChatElement, event: CriaChatEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}
