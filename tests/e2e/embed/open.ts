// Opens a page of another site with the widget in it, the double for an engine, and what tests of it ask again and again.
import { rmSync } from "node:fs";
import type { BrowserContext, Frame, Page } from "puppeteer-core";
import type { CriaChatElement } from "../../../web/embed/contract.ts";
import type { Script } from "../../web/double.ts";
import { openChromium, type TestBrowser } from "../browser.ts";
import { WIDE, type Look } from "../page/open.ts";
import { buildWidget } from "./page/build.ts";
import { serveCria, serveHost, type Deployment, type Site } from "./site.ts";

declare global {
  interface HTMLElementTagNameMap {
    "cria-chat": CriaChatElement;
  }
  interface Window {
    /** Details of the widget's events, in order. */
    heard: { readonly type: string; readonly [key: string]: unknown }[];
  }
}

/** What the double does; its answer is a text. */
export type Doing = Partial<Omit<Script, "answer">> & { readonly answer?: string };

/** A page, and everything that went wrong or over the network in it. */
export type HostPage = Page & { readonly errors: string[]; readonly requests: string[] };

/** A browser, and deployments with the double. */
export class WidgetTests {
  readonly #contexts: BrowserContext[] = [];
  readonly #sites: Site[] = [];
  readonly #files: Record<string, string> = { "/double.json": "{}" };

  private constructor(
    readonly chromium: TestBrowser,
    readonly folder: string,
  ) {}

  static async start(): Promise<WidgetTests> {
    const folder = await buildWidget();
    return new WidgetTests(await openChromium(), folder);
  }

  /** A deployment, closed with the page. */
  async deploy(deployment: Deployment = {}): Promise<Site> {
    const cria = await serveCria({ folder: this.folder, files: this.#files, ...deployment });
    this.#sites.push(cria);
    return cria;
  }

  /** Opens a page of another site; `pages` are given the deployment's address. "/" is opened. */
  async open(
    pages: (cria: string) => Record<string, string>,
    { doing = {}, look = WIDE, ...deployment }: Deployment & { readonly doing?: Doing; readonly look?: Look } = {},
  ): Promise<{ page: HostPage; cria: Site; host: Site }> {
    this.#files["/double.json"] = JSON.stringify(doing);
    const cria = await this.deploy(deployment);
    const host = await serveHost(pages(cria.url));
    this.#sites.push(host);
    const context = await this.chromium.browser.createBrowserContext();
    this.#contexts.push(context);
    const page = Object.assign(await context.newPage(), { errors: new Array<string>(), requests: new Array<string>() });
    page.on("pageerror", (error) => page.errors.push(String(error)));
    page.on("request", (request) => page.requests.push(request.url()));
    await page.setViewport({ width: look.width, height: look.height });
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: look.scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    await page.evaluateOnNewDocument(() => {
      window.heard = [];
      document.addEventListener("DOMContentLoaded", () => {
        const types = ["ready", "token", "message", "error"];
        for (const chat of document.querySelectorAll("cria-chat"))
          for (const type of types)
            chat.addEventListener(type, (event) =>
              window.heard.push({ type, ...(event instanceof CustomEvent ? event.detail : {}) }),
            );
      });
    });
    await page.goto(host.url);
    return { page, cria, host };
  }

  async closePages(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
    for (const site of this.#sites.splice(0)) await site.close();
  }

  async stop(): Promise<void> {
    await this.closePages();
    await this.chromium.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A page with one widget. */
export const withWidget =
  (attributes = "", more = "") =>
  (cria: string): Record<string, string> => ({
    "/": `<!doctype html><html lang="en"><head><title>Elsewhere</title><meta name="viewport" content="width=device-width"></head><body><main><h1>Elsewhere</h1></main>
      <script type="module" src="${cria}cria-chat.js"></script><cria-chat ${attributes}></cria-chat>${more}</body></html>`,
  });

/** The widget's inside, as soon as there is one. */
export async function frameOf(page: Page): Promise<Frame> {
  return page.waitForFrame((frame) => frame.url().includes("embed.html"), { timeout: 20_000 });
}

/** Runs in the page with the widget's element, once the browser knows it. */
export function withChat<T, A extends unknown[]>(
  page: Page,
  run: (chat: CriaChatElement, ...given: A) => T | Promise<T>,
  ...given: A
): Promise<Awaited<T>> {
  const body = `(async (...given) => {
    await customElements.whenDefined("cria-chat");
    return (${run.toString()})(document.querySelector("cria-chat"), ...given);
  })(...${JSON.stringify(given)})`;
  return page.evaluate(body) as Promise<Awaited<T>>;
}

/** Opens the panel and waits for what is inside. */
export async function openPanel(page: Page, awaited = "footer > *"): Promise<Frame> {
  await withChat(page, (chat) => void (chat.open = true));
  const frame = await frameOf(page);
  await frame.waitForSelector(awaited, { timeout: 20_000 });
  return frame;
}
