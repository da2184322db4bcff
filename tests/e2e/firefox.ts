// Drives Firefox over WebDriver BiDi, in the same three words as webkit.ts.
import puppeteer from "puppeteer-core";
import { findBrowser } from "../../web/cli/browsers.ts";
import type { DrivenPage } from "./webkit.ts";

/** Starts a headless Firefox with an empty profile; `preferences` go into its about:config. */
export async function openFirefox(preferences: Record<string, boolean | number | string> = {}): Promise<DrivenPage> {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: findBrowser("firefox"),
    headless: true,
    extraPrefsFirefox: preferences,
    protocolTimeout: 300_000,
  });
  const page = await browser.newPage();
  return {
    open: async (url) => void (await page.goto(url)),
    evaluate: (body) => page.evaluate(`(async () => { ${body} })()`),
    async evaluateInFrame(part, body) {
      const frame = await page.waitForFrame((frame) => frame.url().includes(part));
      return frame.evaluate(`(async () => { ${body} })()`);
    },
    close: () => browser.close(),
  };
}
