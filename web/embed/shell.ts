// What stands in the page around the frame: the button, the panel, the words before the frame is there.
import type { CriaChatOptions } from "./contract.ts";
import { cross, llama } from "./drawing.ts";
import { STYLE } from "./element-style.ts";

/** What the shell shows. */
export interface Look extends Pick<CriaChatOptions, "display" | "position" | "size" | "label" | "heading"> {
  readonly open: boolean;
  readonly scheme: "light" | "dark";
  /** Name of the button while the panel is open. */
  readonly close: string;
}

/** The frame may show itself, run, keep its own data and open links in new tabs; it may not navigate, download, or ask for anything. */
const SANDBOX =
  "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-storage-access-by-user-activation";

/** The shadow tree of one element. */
export class Shell {
  readonly #root = make("div");
  readonly #panel = make("div", "panel");
  readonly #launcher = make("button", "launcher");
  readonly #label = make("span");
  readonly #wait = make("div", "wait");
  readonly #words = make("span");
  #frame: HTMLIFrameElement | null = null;
  #met = false;
  #drawnOpen: boolean | null = null;

  constructor(shadow: ShadowRoot, toggle: () => void) {
    // A style sheet object: what a page's Content-Security-Policy says of <style> doesn't matter to it.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    this.#launcher.type = "button";
    this.#launcher.part.add("button");
    this.#launcher.setAttribute("aria-haspopup", "dialog");
    this.#launcher.addEventListener("click", toggle);
    this.#launcher.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.#drawnOpen) toggle();
    });
    this.#panel.part.add("panel");
    this.#words.setAttribute("role", "status");
    this.#wait.append(llama(), this.#words);
    this.#panel.append(this.#wait);
    this.#root.append(this.#panel, this.#launcher);
    shadow.append(this.#root);
    window.visualViewport?.addEventListener("resize", () => this.#makeRoomForKeyboard());
  }

  draw({ open, display, position, size, scheme, label, close, heading }: Look): void {
    const inline = display === "inline";
    this.#root.className = ["root", size, scheme, inline ? "inline" : position, open && "open", this.#met && "met"]
      .filter(Boolean)
      .join(" ");
    this.#launcher.hidden = inline;
    this.#launcher.style.display = inline ? "none" : "";
    // a landmark, so that the button is found by those who jump between them
    this.#root.setAttribute("role", "region");
    this.#root.setAttribute("aria-label", heading);
    for (const [name, value] of [
      ["role", "dialog"],
      ["aria-label", heading],
    ] as const) {
      if (inline) this.#panel.removeAttribute(name);
      else this.#panel.setAttribute(name, value);
    }
    if (this.#frame) this.#frame.title = heading;
    this.#launcher.setAttribute("aria-expanded", String(open));
    this.#label.textContent = open ? close : label;
    if (this.#drawnOpen !== open) this.#launcher.replaceChildren(open ? cross() : llama(), this.#label);
    this.#drawnOpen = open;
  }

  /** An empty frame; its address is the caller's to set. */
  addFrame(title: string): HTMLIFrameElement {
    const frame = make("iframe");
    frame.title = title;
    frame.setAttribute("sandbox", SANDBOX);
    frame.allow = "clipboard-write; cross-origin-isolated";
    frame.referrerPolicy = "no-referrer";
    this.#frame = frame;
    this.#panel.append(frame);
    return frame;
  }

  removeFrame(): void {
    this.#frame?.remove();
    this.#frame = null;
    this.#met = false;
    this.#root.classList.remove("met");
  }

  /** The frame shows something: it takes the place of the words. */
  met(): void {
    this.#met = true;
    this.#root.classList.add("met");
  }

  /** Shows words where the frame is not yet, or will not be. */
  say(words: string): void {
    this.#words.textContent = words;
  }

  /** Puts the keyboard into the frame. */
  enter(): void {
    this.#frame?.focus();
  }

  /** Puts the keyboard where it was before the panel opened. */
  leave(): void {
    this.#launcher.focus();
  }

  /** Calls `listener` when the panel comes near the visible part of the page; once. */
  onNear(listener: () => void): () => void {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry?.isIntersecting) return;
        observer.disconnect();
        listener();
      },
      { rootMargin: "400px" },
    );
    observer.observe(this.#panel);
    return () => observer.disconnect();
  }

  /** On phones the panel fills the screen, which ends where the keyboard begins. */
  #makeRoomForKeyboard(): void {
    const { height, offsetTop, scale } = window.visualViewport!;
    if (scale !== 1) return; // somebody looks closer
    this.#panel.style.setProperty("--keyboard-left", `${height}px`);
    this.#panel.style.setProperty("--keyboard-top", `${offsetTop}px`);
  }
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = ""): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), { className });
}
