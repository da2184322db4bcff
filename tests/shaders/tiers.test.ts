// The self-test in every tier and division of work, on lavapipe, which has f16, subgroups of 8 and packed products. Slow where
// Mesa has not compiled these kernels before: LLVM takes seconds for each.
import { beforeAll, describe, expect, it } from "vitest";
import { type Gpu, openDevice } from "../../workers/engine/gpu/device.ts";
import { selfTest } from "../../workers/engine/gpu/selftest.ts";
import { missing, TIERS } from "../../workers/engine/gpu/tiers.ts";
import { LAYOUT_NAMES, productError } from "./product.ts";
import { LONG } from "../numbers/variants.ts";
import { QUANTS } from "../../shaders/quant/index.ts";
import { dawn, hasLavapipe, nodeHost } from "./dawn.ts";

const MINUTES = 60_000;
let gpu: Gpu;

describe.skipIf(!hasLavapipe())("a tier, on lavapipe", () => {
  beforeAll(async () => {
    gpu = await openDevice(nodeHost(dawn("lavapipe")));
  });

  it.each(TIERS.map(({ name }) => name))("%s is offered", (name) => {
    expect(
      missing(
        TIERS.find((tier) => tier.name === name)!,
        gpu.features,
        gpu.language,
      ),
    ).toBeNull();
  });

  // A thread a row, with activations exchanged in quads; lanes within a subgroup, and tiles; lanes over several subgroups.
  const divisions = [
    { lanes: 1, many: "few" },
    { lanes: 8, many: "tiles" },
    { lanes: 32, many: "tiles_int8" },
  ] as const;
  const all = TIERS.flatMap((tier) => divisions.map((division) => ({ tier, name: tier.name, ...division })));
  const sample = ["T3 1", "T2 32"]; // what tests/numbers/tiers.test.ts does not have: its lanes are 8, and its tiles hold what they can
  const cases = LONG ? all : all.filter(({ name, lanes }) => sample.includes(`${name} ${lanes}`));

  it.each(cases)(
    "$name is right with $lanes lanes, many tokens in $many",
    { timeout: 15 * MINUTES },
    async ({ tier, lanes, many }) => {
      const tuning = { lanes: { 64: { threads: 64, lanes } }, many, milliseconds: 0 };
      expect(await selfTest(gpu, tier, tuning, () => performance.now())).toBeLessThan(tier.tolerance);
    },
  );

  // Formats that no other sample has in 8-bit products: two scales a block, and scales of scales.
  const types = LONG ? LAYOUT_NAMES : (["Q4_K", "Q6_K"] as const);
  const products = TIERS.flatMap(({ name }) => types.map((type) => [name, type] as const));
  const few = products.filter(([name]) => LONG || name === "T3");

  it.each(few)("%s multiplies %s, one row more than a tile has", { timeout: 15 * MINUTES }, async (name, type) => {
    const tier = TIERS.find((each) => each.name === name)!;
    const block = Math.max(32, QUANTS[type].blockSize);
    for (const [kernel, tokens] of [
      ["one", 1],
      ["few", 5],
      ["many", 33],
    ] as const) {
      if (kernel !== "one" && !LONG) continue;
      const error = await productError(gpu, tier, { type, rows: 65, cols: 2 * block, tokens, kernel, lanes: 4 });
      expect(error).toBeLessThan(tier.integers ? 0.05 : tier.tile === "f16" && kernel === "many" ? 0.01 : 2e-5); // bytes; halves
    }
  });
});
