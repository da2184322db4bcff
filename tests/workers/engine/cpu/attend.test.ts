// Attention of the WASM engine: the same bits from every kernel that may work on a group of heads, however the runs are dealt out.
import { describe, expect, it } from "vitest";
import { nodeHost } from "../node-host.ts";
import { differing, lastLogits } from "./same-bits.ts";
import { smallModel, TINY } from "./small-model.ts";

const LENGTH = 460; // eight runs, the last one not full: several of them make a task

describe("attention", () => {
  // Rows of a token's tile by fours and what is left: 1, 2, 3, 4, 4 + 1, 4 + 4; more than eight take widened keys and values.
  it.each([
    [1, "Q4_0"],
    [2, "Q4_0"],
    [3, "Q4_0"],
    [4, "Q4_0"],
    [5, "Q4_0"],
    [8, "Q4_0"],
    [12, "Q4_0"],
    [1, "F32"],
    [3, "F32"],
  ] as const)("of %i query heads a key gives the same bits for any threads and tokens at a time (%s)", async (group, type) => {
    const model = smallModel({ ...TINY, layers: 1, heads: group, kvHeads: 1, dim: 64 * group, ffnDim: 64 }, () => type);
    let first: Float32Array | null = null;
    for (const [threads, step] of [
      [1, 128],
      [1, 1],
      [3, 1],
      [2, 5],
    ] as const) {
      const logits = await lastLogits(nodeHost({ threads }), model, { level: "plain", threads }, LENGTH, step);
      first ??= logits;
      expect(differing(first, logits), `${threads} threads, ${step} tokens at a time`).toBe(0);
    }
    expect(first!.every(Number.isFinite)).toBe(true);
  });
});
