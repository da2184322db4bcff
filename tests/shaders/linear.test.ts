// Linear maps on the GPU, in every layout, against double precision. T0 on SwiftShader; a missing adapter fails.
import { beforeAll, describe, expect, it } from "vitest";
import { QUANTS } from "../../shaders/quant/index.ts";
import { openDevice, type Gpu } from "../../workers/engine/gpu/device.ts";
import { TIERS } from "../../workers/engine/gpu/tiers.ts";
import { dawn, nodeHost } from "./dawn.ts";
import { LAYOUT_NAMES, productError } from "./product.ts";

// f32 sums of up to 1536 products, in another order than the reference's: a few units of 2^-24 each.
const TOLERANCE = 2e-5;
const T0 = TIERS.find((tier) => tier.name === "T0")!;
let gpu: Gpu;

beforeAll(async () => {
  gpu = await openDevice(nodeHost(dawn()));
});

describe.each(LAYOUT_NAMES)("a matrix in %s", (type) => {
  const block = Math.max(32, QUANTS[type].blockSize);

  it("is multiplied with one token: one row of one block", async () => {
    expect(await productError(gpu, T0, { type, rows: 1, cols: block, tokens: 1, kernel: "one", lanes: 1 })).toBeLessThan(
      TOLERANCE,
    );
  });

  it("is multiplied with one token: one row more than a workgroup takes, lanes that share rows", async () => {
    expect(await productError(gpu, T0, { type, rows: 33, cols: 3 * block, tokens: 1, kernel: "one", lanes: 8 })).toBeLessThan(
      TOLERANCE,
    );
  });

  it("is multiplied with seven tokens", async () => {
    expect(await productError(gpu, T0, { type, rows: 37, cols: 2 * block, tokens: 7, kernel: "few", lanes: 1 })).toBeLessThan(
      TOLERANCE,
    );
  });
});

describe("a matrix", () => {
  it("may have rows that are no whole blocks, of floats", async () => {
    expect(await productError(gpu, T0, { type: "F16", rows: 5, cols: 172, tokens: 1, kernel: "one", lanes: 4 })).toBeLessThan(
      TOLERANCE,
    );
  });

  it("of a real layer is right", async () => {
    expect(
      await productError(gpu, T0, { type: "Q4_1", rows: 576, cols: 1536, tokens: 1, kernel: "one", lanes: 64 }),
    ).toBeLessThan(TOLERANCE);
  });

  it.each([1, 16])("is multiplied with nine tokens in two rounds by %i lanes", async (lanes) => {
    expect(await productError(gpu, T0, { type: "Q4_0", rows: 70, cols: 96, tokens: 9, kernel: "few", lanes })).toBeLessThan(
      TOLERANCE,
    );
  });

  it("is multiplied in tiles, one row and one token more than a tile has", async () => {
    expect(await productError(gpu, T0, { type: "Q8_0", rows: 65, cols: 96, tokens: 33, kernel: "many", lanes: 1 })).toBeLessThan(
      TOLERANCE,
    );
  });
});
