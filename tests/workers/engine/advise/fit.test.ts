// Which model fits into which memory, and how long a context beside it.
import { describe, expect, it } from "vitest";
import { fitCpu, fitGpu, memoryOf } from "../../../../workers/engine/advise/fit.ts";
import { sketchModel } from "../../../../workers/engine/advise/sketch.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { nodeHost } from "../node-host.ts";
import { EIGHT_B, SEVEN_B, SMOL } from "./shapes.ts";

const GIB = 2 ** 30;
const memory = (bytes: number, bankBytes = 3 * GIB) => ({ bytes, guessed: false, bankBytes });
const smol = sketchModel(SMOL, "Q4_1", true);
const seven = sketchModel(SEVEN_B, "Q4_0", false);

describe("a model and the memory for it", () => {
  it("takes what the backend then takes, to the page", async () => {
    const backend = await openCpu(nodeHost({ threads: 2 }), smol, null);
    const { memoryBytes } = fitCpu(smol, memory(16 * GIB), 2);
    backend.dispose();
    // Node has one level, of wider activations; the logits' own page is the rest
    expect(Math.abs(backend.info.memoryBytes - memoryBytes)).toBeLessThan(1e6);
  });

  it("leave room for all that it was trained for, or for as much as there is", () => {
    expect(fitCpu(smol, memory(16 * GIB), 2)).toMatchObject({ fit: "yes", contextLength: 8192 });
    // 3.8 GB of weights and 524,288 bytes a position in 6 GiB
    const { fit, contextLength } = fitCpu(seven, memory(8 * GIB), 4);
    expect(fit).toBe("tight");
    expect(contextLength).toBe(4096);
    expect(fitCpu(seven, memory(6 * GIB), 4).contextLength).toBeGreaterThan(1024);
    expect(fitCpu(seven, memory(6 * GIB), 4).contextLength).toBeLessThan(2048);
  });

  it("do without each other where the weights alone are too many", () => {
    expect(fitCpu(seven, memory(4 * GIB), 4)).toMatchObject({ fit: "no", contextLength: 0 });
    expect(fitGpu(seven, memory(4 * GIB), 4 * GIB)).toMatchObject({ fit: "no", contextLength: 0 });
  });

  it("do without each other where a layer is larger than a piece of memory", () => {
    expect(fitCpu(seven, memory(64 * GIB, 0.1 * GIB), 4).fit).toBe("no");
  });

  it("share a card, with a layer's cache in one buffer at most", () => {
    const eight = sketchModel(EIGHT_B, "Q4_K_M", false);
    // 8 heads of 128 halves: 2,048 bytes a position
    expect(fitGpu(eight, memory(64 * GIB), 2 ** 27).contextLength).toBe(65536);
  });

  it("are guessed where the browser says nothing", () => {
    expect(memoryOf(null, 4)).toMatchObject({ bytes: 4 * GIB, guessed: true });
    expect(memoryOf(16 * GIB, 4)).toMatchObject({ bytes: 16 * GIB, guessed: false });
  });
});
