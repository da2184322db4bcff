// Opens the page with the double in a browser of its own, and what tests of it ask again and again.
import axe from "axe-core";
import type { Browser, BrowserContext, Frame, Page } from "puppeteer-core";
import { headersFor } from "../../../.config/headers.ts";
import { openChromium, servePlainly, type AppServer, type TestBrowser } from "../browser.ts";
import { buildPage } from "./build.ts";

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export const WIDE: Look = { width: 1280, height: 820, scheme: "light" };
/** The narrowest phone that WCAG 1.4.10 asks for, in the dark. */
export const NARROW: Look = { width: 320, height: 640, scheme: "dark" };

/** A browser, and the page behind a server with the headers of production. */
export class PageTests {
  readonly #contexts: BrowserContext[] = [];

  private constructor(
    private readonly chromium: TestBrowser,
    private readonly server: AppServer,
  ) {}

  static async start(): Promise<PageTests> {
    const folder = await buildPage();
    return new PageTests(await openChromium(), await servePlainly(() => folder, headersFor("/")));
  }

  get browser(): Browser {
    return this.chromium.browser;
  }

  get url(): string {
    return this.server.url;
  }

  /** A fresh profile with the page open. `query` says what the double does. Errors of the page end up in `errors`. */
  async open(query: string, look: Look = WIDE): Promise<Page & { errors: string[]; requests: string[] }> {
    const context = await this.browser.createBrowserContext();
    this.#contexts.push(context);
    const errors: string[] = [];
    const requests: string[] = [];
    const page = Object.assign(await context.newPage(), { errors, requests });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("404")) errors.push(message.text());
    });
    page.on("request", (request) => requests.push(request.url()));
    await page.setViewport({ width: look.width, height: look.height });
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: look.scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    await page.goto(`${this.url}${query}`);
    return page;
  }

  /** Ends what `open` started. */
  async closePages(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
  }

  async stop(): Promise<void> {
    await this.chromium.close();
    await this.server.close();
  }
}

/** Types a question and sends it. */
export async function ask(page: Page, question: string): Promise<void> {
  await page.waitForSelector("form textarea");
  await page.type("form textarea", question);
  await page.keyboard.press("Enter");
}

/** Resolves when nothing is being answered. */
export async function answered(page: Page): Promise<void> {
  await page.waitForFunction(() => window.app.chat.answering === null && window.app.chat.lastAnswered, { polling: 20 });
}

/** What axe finds, one line each; [] is what we want. */
export async function findings(page: Page | Frame): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ""}`).join(" | ")}`,
    );
  });
  return found;
}

/** An answer with everything in it that Markdown has. */
export const LONG = [
  "A paragraph with **bold**, `code` and a [link](https://example.org/).\n\n## A heading\n\n1. one\n2. two\n   - three\n\n",
  "```python\ndef add(a, b):\n    return a + b  # a comment\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quoted\n\n- [x] done\n\n",
].join("");

/** Asks, and has the double answer so. */
export async function say(page: Page, answer: string, question = "Tell me"): Promise<void> {
  await page.evaluate((text) => void (window.answer = text), answer);
  await ask(page, question);
}

/** Clicks the first match that can be seen. */
export async function clickVisible(page: Page, selector: string): Promise<void> {
  for (const element of await page.$$(selector)) if (await element.isVisible()) return element.click();
  throw new Error(`Nothing visible matches ${selector}.`);
}
