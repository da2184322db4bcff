// Every kernel against a float reference, at the level Node can run.
import { describe, expect, it } from "vitest";
import { compileLevel, instantiate } from "../../../../workers/engine/cpu/kernels.ts";
import { groupBytes, layoutOf, WIDE } from "../../../../workers/engine/cpu/layouts.ts";
import { nodeHost } from "../node-host.ts";
import { CHECKED_TYPES, checkProduct, machine } from "./products.ts";

const module = await compileLevel(nodeHost(), "plain", false);
const plain = machine(module!, "plain", instantiate)!;

/** Sums of 32-bit floats over up to 5632 columns; the integers are exact. */
const TOLERANCE = 3e-6;
/** Requantized types: scales are rounded to 11 bits, and a codebook's halves to whole numbers. */
const REQUANTIZED = 1e-3;

describe("a product on plain SIMD", () => {
  it.each(CHECKED_TYPES)("is right for %s", (type) => {
    const wide = layoutOf(type) === WIDE;
    for (const [rows, cols] of [
      [8, 256],
      [13, 768],
      [40, 5632],
      [200, 768], // 25 groups of rows: seven streams of four, the last of one
    ] as const) {
      const { vector, batch, sameBits, exactRows } = checkProduct(plain, type, rows, cols);
      expect(vector, `${rows} x ${cols}`).toBeLessThan(wide ? REQUANTIZED : TOLERANCE);
      expect(batch, `${rows} x ${cols}`).toBeLessThan(wide ? REQUANTIZED : TOLERANCE);
      expect(sameBits).toBe(true);
      if (!wide) expect(exactRows).toBe(true);
    }
  });

  it("agrees with the planner on sizes", () => {
    for (const type of CHECKED_TYPES) {
      const layout = layoutOf(type);
      for (const cols of [256, 768, 5632]) expect(plain.kernels.groupBytes(layout.id, cols)).toBe(groupBytes(layout, cols));
    }
  });
});
