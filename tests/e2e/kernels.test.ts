// Every kernel at every instruction level a browser has, and a small model on threads: Chromium, Firefox, WebKitGTK.
import { describe, expect, it } from "vitest";
import { BYTES_SPLIT } from "../../workers/engine/cpu/assembly/words.ts";
import { layoutOf, WIDE } from "../../workers/engine/cpu/layouts.ts";
import { serveKernelPage } from "../workers/engine/cpu/kernel-page.ts";
import type { LevelChecks } from "../workers/engine/cpu/page/check-levels.ts";
import type { ModelChecks } from "../workers/engine/cpu/page/check-model.ts";
import { openChromium } from "./browser.ts";
import { openFirefox } from "./firefox.ts";
import { openWebKit, type DrivenPage } from "./webkit.ts";

type KernelPage = Pick<DrivenPage, "open" | "evaluate" | "close">;

const BROWSERS: Record<string, { open: () => Promise<KernelPage>; relaxed: boolean; threads: boolean }> = {
  Chromium: { open: openChromiumPage, relaxed: true, threads: true },
  Firefox: { open: () => openFirefox(), relaxed: true, threads: true },
  WebKitGTK: { open: openWebKit, relaxed: false, threads: false },
};

/** As in tests/workers/engine/cpu/products.test.ts. */
const TOLERANCE = 3e-6;
const REQUANTIZED = 1e-3;

describe.each(Object.entries(BROWSERS))("kernels in %s", (_, { open, relaxed, threads }) => {
  it("are right, whatever the level, and a result has the same bits however it was computed", { timeout: 600_000 }, async () => {
    const server = await serveKernelPage(threads);
    const evaluate = (job: string): Promise<unknown> => inFreshBrowser(open, server.url, job);
    try {
      const { levels } = (await evaluate("checkLevels")) as LevelChecks;
      expect(levels.plain).not.toBeNull();
      if (relaxed) expect(levels.relaxed32 ?? levels.relaxed16).not.toBeNull();
      for (const [level, found] of Object.entries(levels)) {
        for (const check of found?.checks ?? []) {
          const { type, rows, cols, vector, batch, sameBits, exactRows } = check;
          const where = `${level} ${type} ${rows} x ${cols}, bytes mode ${found?.bytesMode ?? BYTES_SPLIT}`;
          const bound = layoutOf(type) === WIDE ? REQUANTIZED : TOLERANCE;
          expect(vector, where).toBeLessThan(bound);
          expect(batch, where).toBeLessThan(bound);
          expect(sameBits, where).toBe(true);
          expect(exactRows || layoutOf(type) === WIDE, where).toBe(true);
        }
      }
      const models = (await evaluate("checkModel")) as ModelChecks[];
      expect(models.map(({ level }) => level)).toContain("plain");
      for (const { level, differing, fromPlain } of models) {
        for (const [way, count] of Object.entries(differing)) expect(count, `${level}, ${way}`).toBe(0);
        expect(fromPlain, level).toBeLessThan(1e-5); // fused multiply-adds round once instead of twice
      }
    } finally {
      await server.close();
    }
  });
});

/** Runs a job in a browser of its own. */
async function inFreshBrowser(open: () => Promise<KernelPage>, url: string, job: string): Promise<unknown> {
  const page = await open();
  try {
    await page.open(url);
    return await page.evaluate(run(job));
  } finally {
    await page.close();
  }
}

/** WebKit says that a page is loaded before its module has run. */
function run(job: string): string {
  return `while (!window.job) await new Promise((resolve) => setTimeout(resolve, 50)); return window.job("${job}");`;
}

async function openChromiumPage(): Promise<KernelPage> {
  const { browser, close } = await openChromium();
  const page = await browser.newPage();
  return {
    open: async (url) => void (await page.goto(url)),
    evaluate: (body) => page.evaluate(`(async () => { ${body} })()`),
    close,
  };
}
