// Every tier of the WebGPU backend against llama.cpp, on lavapipe, which has them all.
import { describe, expect, it } from "vitest";
import type { Tuning } from "../../workers/engine/gpu/lanes.ts";
import { openGpu } from "../../workers/engine/gpu/open.ts";
import type { TierName } from "../../workers/engine/gpu/tiers.ts";
import { fileSource } from "../golden/sources.ts";
import { dawn, hasLavapipe, nodeHost } from "../shaders/dawn.ts";
import { distance } from "./distance.ts";
import { greedyAfter, logitsAlong, open } from "./engines.ts";
import { report } from "./report.ts";
import { llamaCpp, truth } from "./truth.ts";
import { LONG, type Variant, variantsFor } from "./variants.ts";

const MINUTES = 60_000;
/** T0 is for SwiftShader (webgpu.test.ts), and for the long run. */
const TIERS: readonly TierName[] = LONG ? ["T0", "T1", "T2", "T3"] : ["T1", "T2", "T3"];
/** Measuring would compile every kernel six times, and LLVM takes its time. */
const TUNING: Tuning = { lanes: { 64: { threads: 64, lanes: 8 } }, many: "tiles", milliseconds: 0 };

describe.skipIf(!hasLavapipe())("a tier of the WebGPU backend, on lavapipe", () => {
  const variants = variantsFor("webgpu").filter(({ name }) => LONG || name === "stories260K q4_0");
  const cases = variants.flatMap((variant) => TIERS.map((tier): [TierName, string, Variant] => [tier, variant.name, variant]));

  it.each(cases)("%s is right on %s", { timeout: 20 * MINUTES }, async (tier, name, { task, float, file }) => {
    const path = await file();
    const right = await truth(path, task);
    const own = distance(right, await llamaCpp(path, task, "F16"));
    const source = fileSource(path);
    const opened = await open(
      (...args) =>
        openGpu(...args, { tier, ...(!LONG && { tuning: { ...TUNING, many: tier === "T3" ? "tiles_int8" : "tiles" } }) }),
      nodeHost(dawn("lavapipe")),
      source,
    );
    const found = distance(right, await logitsAlong(opened, right.ids));
    const exact = float || tier !== "T3"; // T3 has 8-bit activations where weights are quantized
    const greedy = exact ? await greedyAfter(opened, right.ids.slice(0, task.promptTokens), task.greedyTokens) : null;
    opened.backend.dispose();
    source.close();
    report({ backend: "webgpu", driver: "lavapipe", tier: opened.info.tier, model: name, ...found, llamaCpp: own });

    expect(opened.info.tier).toBe(tier);
    expect(found.d).toBeLessThanOrEqual(exact ? 0.002 : 1.15 * own.d);
    expect(found.contradicted).toEqual([]);
    if (greedy) expect(greedy).toEqual(right.greedy);
  });
});
