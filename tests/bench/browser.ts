// Chromium for the benchmark: one profile for the whole run, so that weights are downloaded once, and one page at a time.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { findBrowser } from "../../web/cli/browsers.ts";

const FLAGS = [
  "--no-sandbox",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  // Software GPUs are slow, not hung.
  "--disable-gpu-watchdog",
  "--enable-unsafe-webgpu",
];

/** A browser whose profile outlives its process. */
export class BenchBrowser {
  private readonly profile: string;
  private browser: Browser | null = null;

  /** `profile` is kept, where one is given, and with it what was downloaded. */
  constructor(
    private readonly url: string,
    private readonly kept: string | null = null,
  ) {
    this.profile = kept ?? mkdtempSync(join(tmpdir(), "cria-bench-"));
  }

  /** The browser that runs. Started if need be. */
  async running(): Promise<Browser> {
    const noCard = process.platform === "linux" && !existsSync("/dev/dri/renderD128") && !existsSync("/dev/nvidia0");
    this.browser ??= await puppeteer.launch({
      // Chromium on lavapipe, a software GPU with every feature, takes the same flags as SwiftShader.
      executablePath: process.env["LAVAPIPE_CHROMIUM"] ?? findBrowser("chromium"),
      userDataDir: this.profile,
      args: [...FLAGS, noCard ? "--use-webgpu-adapter=swiftshader" : "--enable-features=Vulkan"],
      protocolTimeout: 0,
    });
    return this.browser;
  }

  /** The benchmark's page, the only one, in a process of its own. */
  async page(isolated = true): Promise<Page> {
    const browser = await this.running();
    const [page = await browser.newPage()] = await browser.pages();
    page.on("pageerror", (error) => console.error(`  the page: ${String(error)}`));
    await page.goto(isolated ? this.url : `${this.url}?alone`); // the cache would give headers back that the page had before
    await page.waitForFunction((isolated) => window.bench !== undefined && crossOriginIsolated === isolated, {}, isolated);
    return page;
  }

  /** Ends the process: what is opened next holds no memory of it, but finds what it stored. */
  async quit(): Promise<void> {
    await this.browser?.close();
    this.browser = null;
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.quit();
    if (this.kept === null) rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
