// The WASM backend's numbers in Chromium: relaxed SIMD and threads, which is what people run.
import { statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEVELS, type LevelName } from "../../workers/engine/cpu/kernels.ts";
import { distance } from "../numbers/distance.ts";
import { serveNumbersPage } from "../numbers/numbers-page.ts";
import { report } from "../numbers/report.ts";
import { llamaCpp, truth } from "../numbers/truth.ts";
import { LONG, variantsFor } from "../numbers/variants.ts";
import { openChromium, type TestBrowser } from "./browser.ts";

const MINUTES = 60_000;
const isLevel = (name: string): name is LevelName => Object.hasOwn(LEVELS, name);
const all = variantsFor("wasm");
const levels = [null, ...Object.keys(LEVELS).filter(isLevel)];

describe.skipIf(all.length === 0)("the WASM backend in Chromium", () => {
  let chromium: TestBrowser;
  beforeAll(async () => void (chromium = await openChromium()));
  afterAll(() => chromium.close());

  const variants = LONG ? all : all.filter(({ name }) => name === "SmolLM2 Q4_1");
  it.each(variants)("is right on $name at every level, with threads", { timeout: 20 * MINUTES }, async (variant) => {
    const path = await variant.file();
    const right = await truth(path, variant.task);
    const own = distance(right, await llamaCpp(path, variant.task, "F16"));
    const page = await serveNumbersPage(path, right);
    const measured: string[] = [];
    try {
      for (const level of levels) {
        const job = { level, threads: 2, sizeBytes: statSync(path).size, vocab: right.vocab, ids: right.ids };
        const found = await page.measure(chromium.browser, job);
        if (!found) continue; // refused by its self-test on this processor
        const { info, ...figures } = found;
        measured.push(info.tier);
        report({ backend: "wasm", browser: "Chromium", tier: info.tier, threads: info.threads, model: variant.name, ...figures });
        expect(figures.d, info.tier).toBeLessThanOrEqual(variant.float ? 0.002 : 1.15 * own.d);
        expect(figures.contradicted, info.tier).toEqual([]);
      }
    } finally {
      await page.close();
    }
    expect(measured).toContain("plain");
    expect(measured.length).toBeGreaterThan(2); // one level with relaxed SIMD at least
  });
});
