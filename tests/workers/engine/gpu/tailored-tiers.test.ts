// What most LLaMAs lack, in the upper tiers: half floats, subgroups and packed products, on lavapipe. Slow where Mesa has not compiled
// these kernels before: LLVM takes seconds for each.
import { describe, expect, it } from "vitest";
import type { TierName } from "../../../../workers/engine/gpu/tiers.ts";
import { dawn, hasLavapipe } from "../../../shaders/dawn.ts";
import { LONG } from "../../../numbers/variants.ts";
import { biased, errorOf, lowRank, mixed, opened, prompt, windowed } from "./tailored.ts";

const MINUTES = 60_000;
// Half floats in the cache, and in tiles of shared memory from T1 on; 8-bit activations in T3.
const TOLERANCE = { T0: 0.002, T1: 0.002, T2: 0.002, T3: 0.03 } as const;
const TIERS: readonly TierName[] = LONG ? ["T1", "T2", "T3"] : ["T3"];

describe.skipIf(!hasLavapipe()).each(TIERS)("on lavapipe, %s", (tier) => {
  it.each(["f16", "int8"] as const)(
    "adds biases and what adapters change, with a cache of %s",
    { timeout: 10 * MINUTES },
    async (cache) => {
      if (cache === "int8" && !LONG) return;
      const model = biased();
      const backend = await opened(dawn("lavapipe"), model, tier, cache);
      const tolerance = TOLERANCE[tier] + (cache === "int8" ? 0.02 : 0);
      expect(await errorOf(backend, model)).toBeLessThan(tolerance);
      const adapter = lowRank(model, ["q", "k", "o", "gate", "up", "down"], 1);
      backend.adapters!.use([{ adapter: await backend.adapters!.add(adapter), scale: 1.5 }]);
      expect(await errorOf(backend, model, [{ adapter, scale: 1.5 }])).toBeLessThan(tolerance);
      backend.dispose();
    },
  );

  it.runIf(LONG)("attends to learned prompts and within a window", { timeout: 10 * MINUTES }, async () => {
    const model = windowed(20);
    const backend = await opened(dawn("lavapipe"), model, tier);
    const adapter = prompt(model, 10);
    backend.adapters!.use([{ adapter: await backend.adapters!.add(adapter), scale: 1 }]);
    expect(await errorOf(backend, model, [{ adapter, scale: 1 }])).toBeLessThan(TOLERANCE[tier]);
    backend.dispose();
  });

  it.runIf(LONG)("takes the experts the router chooses", { timeout: 10 * MINUTES }, async () => {
    const model = mixed();
    const backend = await opened(dawn("lavapipe"), model, tier);
    expect(await errorOf(backend, model)).toBeLessThan(TOLERANCE[tier]);
    backend.dispose();
  });
});
