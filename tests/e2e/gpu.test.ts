// The GPU kernels under each browser's own WGSL compiler: Chromium (Tint) on SwiftShader, which fails where it is missing, and Firefox
// (Naga), which has an adapter where lavapipe or a graphics card is.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createServer, type ViteDevServer } from "vite";
import type { GpuChecks } from "../shaders/page/main.ts";
import { openChromium } from "./browser.ts";
import { openFirefox } from "./firefox.ts";

const ROOT = join(import.meta.dirname, "../..");
const MINUTES = 60_000;
const CHECK = `while (!window.check) await new Promise((resolve) => setTimeout(resolve, 50)); return window.check();`;

describe("GPU kernels", () => {
  it("are right in Chromium on SwiftShader", { timeout: 5 * MINUTES }, async () => {
    const server = await serve();
    const { browser, close } = await openChromium(undefined, ["--use-webgpu-adapter=swiftshader"]);
    try {
      const page = await browser.newPage();
      await page.goto(server.resolvedUrls!.local[0]!);
      const found = (await page.evaluate(`(async () => { ${CHECK} })()`)) as GpuChecks | null;
      expect(found).not.toBeNull();
      expectRight(found!);
    } finally {
      await close();
      await server.close();
    }
  });

  it("are right in Firefox, where it has an adapter", { timeout: 15 * MINUTES }, async ({ skip }) => {
    const server = await serve();
    const page = await openFirefox({ "dom.webgpu.enabled": true, "gfx.webgpu.ignore-blocklist": true });
    try {
      await page.open(server.resolvedUrls!.local[0]!);
      const found = (await page.evaluate(CHECK)) as GpuChecks | null;
      if (!found) skip("Firefox has no WebGPU adapter here: lavapipe is not installed.");
      expectRight(found!);
    } finally {
      await page.close();
      await server.close();
    }
  });
});

function expectRight({ checks }: GpuChecks): void {
  expect(checks.length).toBeGreaterThan(10);
  for (const { what, error, tolerance } of checks) expect(error, what).toBeLessThan(tolerance);
}

async function serve(): Promise<ViteDevServer> {
  const server = await createServer({
    configFile: false,
    root: join(ROOT, "tests/shaders/page"),
    publicDir: false,
    cacheDir: join(ROOT, ".cache/gpu-page"),
    appType: "mpa",
    logLevel: "warn",
    server: { port: 0, hmr: false, ws: false, watch: null, fs: { allow: [ROOT] } },
    optimizeDeps: { noDiscovery: true, include: [] },
  });
  return server.listen();
}
