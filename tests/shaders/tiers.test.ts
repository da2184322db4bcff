// The self-test in every tier and division of work, on lavapipe, which has f16, subgroups of 8 and packed products. Slow where
// Mesa has not compiled these kernels before: LLVM takes seconds for each.
import { beforeAll, describe, expect, it } from "vitest";
import { type Gpu, openDevice } from "../../workers/engine/gpu/device.ts";
import { selfTest } from "../../workers/engine/gpu/selftest.ts";
import { missing, TIERS } from "../../workers/engine/gpu/tiers.ts";
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
  const cases = TIERS.flatMap((tier) => divisions.map((division) => ({ tier, name: tier.name, ...division })));

  it.each(cases)(
    "$name is right with $lanes lanes, many tokens in $many",
    { timeout: 15 * MINUTES },
    async ({ tier, lanes, many }) => {
      const tuning = { lanes: { 64: { threads: 64, lanes } }, many, milliseconds: 0 };
      expect(await selfTest(gpu, tier, tuning, () => performance.now())).toBeLessThan(tier.tolerance);
    },
  );
});
