// Models drawn from their numbers, against files that exist.
import { describe, expect, it } from "vitest";
import { isTied, plainModel, sketchModel } from "../../../../workers/engine/advise/sketch.ts";
import { neededTensors } from "../../../../workers/engine/weights/plan.ts";
import type { Model } from "../../../../workers/engine/base/model.ts";
import { EIGHT_B, SEVEN_B, SMOL } from "./shapes.ts";

const bytesOf = (model: Model): number => neededTensors(model).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
const weightsOf = (model: Model): number => neededTensors(model).reduce((sum, { rows, cols }) => sum + rows * cols, 0);

describe("a sketch", () => {
  it("has the parameters of the model", () => {
    expect(weightsOf(sketchModel(SEVEN_B, "Q4_0", false))).toBe(6_738_415_616);
    expect(weightsOf(sketchModel(EIGHT_B, "Q8_0", false))).toBe(8_030_261_248);
    expect(weightsOf(sketchModel(SMOL, "Q4_1", true))).toBe(134_515_008);
  });

  // Sizes of published files; headers and the odd tensor of another type make up to 3 %.
  it.each([
    ["Q4_0", SEVEN_B, 3_825_807_040],
    ["Q4_K_M", SEVEN_B, 4_081_004_224],
    ["Q5_K_M", SEVEN_B, 4_783_156_928],
    ["Q6_K", SEVEN_B, 5_529_194_176],
    ["Q8_0", SEVEN_B, 7_161_089_728],
    ["Q4_K_M", EIGHT_B, 4_920_739_232],
  ])("of %s is as large as its file", (quantization, shape, sizeBytes) => {
    expect(bytesOf(sketchModel(shape, quantization, false)) / sizeBytes).toBeGreaterThan(0.97);
    expect(bytesOf(sketchModel(shape, quantization, false)) / sizeBytes).toBeLessThan(1.03);
  });

  it("packs rows that are no whole superblocks as llama.cpp does", () => {
    const types = new Set(neededTensors(sketchModel(SMOL, "Q4_K_M", true)).map(({ type }) => type));
    expect([...types].sort()).toEqual(["F32", "Q4_K", "Q5_0", "Q6_K", "Q8_0"]);
  });

  it("knows a head of its own by the parameters", () => {
    expect(isTied(SMOL, 134_515_008)).toBe(true);
    expect(isTied(SEVEN_B, 6_738_415_616)).toBe(false);
  });

  it("of one type has no other, but for its norms", () => {
    expect(new Set(neededTensors(plainModel(SEVEN_B, "Q6_K")).map(({ type }) => type))).toEqual(new Set(["Q6_K", "F32"]));
  });
});
