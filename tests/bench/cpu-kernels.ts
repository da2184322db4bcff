// Kernels and whole models in headless Chromium, as JSON: what the WASM engine is tuned with.
//   npx tsx tests/bench/cpu-kernels.ts timeKernels '{"types":["Q4_0"],"levels":["relaxed32"],"rows":512,"cols":2048,"milliseconds":300}'
import { launch } from "puppeteer-core";
import { findBrowser } from "../../web/cli/browsers.ts";
import { serveKernelPage } from "../workers/engine/cpu/kernel-page.ts";

const [job = "checkLevels", argument = "null", name = "chromium"] = process.argv.slice(2);
const browserName = name === "firefox" ? "firefox" : "chromium";
const page = await serveKernelPage();
const browser = await launch({
  browser: browserName === "firefox" ? "firefox" : "chrome",
  executablePath: findBrowser(browserName),
  args: browserName === "firefox" ? [] : ["--no-sandbox"],
  protocolTimeout: 600_000,
});
try {
  console.log(JSON.stringify(await page.run(browser, job, JSON.parse(argument)), null, 1));
} finally {
  await browser.close();
  await page.close();
}
