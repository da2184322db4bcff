// The WASM backend as a whole: the same bits in every way to run, its memory, its errors.
import { describe, expect, it } from "vitest";
import { LEVELS } from "../../../../workers/engine/cpu/kernels.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { CHUNK, place } from "../../../../workers/engine/cpu/place.ts";
import { nodeHost } from "../node-host.ts";
import { differing, lastLogits } from "./same-bits.ts";
import { type Extras, MIXED, smallModel, TINY, type TypeOf, writeRandom } from "./small-model.ts";

const LENGTH = 150; // three runs of positions, two chunks
const level = "plain";

describe("the WASM backend", () => {
  it.each<[string, TypeOf, Extras]>([
    ["mixed quantized weights", MIXED, {}],
    ["half floats", () => "F16", { biased: true }],
    ["floats with a quantized down projection", (name) => (name.includes("ffn_down") ? "Q4_0" : "F32"), {}],
    ["biases and a window of less than a run", MIXED, { biased: true, window: 37 }],
    ["a window of more than a run", () => "F16", { window: 70 }],
    ["two of five experts", (name) => (name.includes("gate_inp") ? "F32" : MIXED(name)), { experts: { count: 5, used: 2 } }],
    ["all of three experts, of half floats", () => "F16", { experts: { count: 3, used: 3 } }],
    ["one of many experts", (name) => (name.includes("down") ? "F16" : "Q8_0"), { experts: { count: 40, used: 1 } }],
  ])("gives the same bits for any threads and any tokens at a time, with %s", async (_, typeOf, extras) => {
    const model = smallModel(TINY, typeOf, true, extras);
    const base = await lastLogits(nodeHost(), model, { level, threads: 1 }, LENGTH, 1);
    expect(base.some((value) => value !== base[0])).toBe(true);
    expect(base.every(Number.isFinite)).toBe(true);
    for (const [threads, step] of [
      [1, 128],
      [2, 1],
      [2, 7],
      [3, 64],
    ] as const) {
      const host = nodeHost({ threads });
      const other = await lastLogits(host, model, { level, threads }, LENGTH, step);
      expect(differing(base, other), `${threads} threads, ${step} tokens at a time`).toBe(0);
    }
  });

  it("gives the same bits when layers lie in several banks", async () => {
    const model = smallModel({ ...TINY, layers: 6 }, MIXED, false);
    const base = await lastLogits(nodeHost(), model, { level, threads: 1 }, LENGTH, 50);
    const bankBytes = 5 * 2 ** 20;
    const sizes = { chunk: CHUNK, contextLength: 512, maxThreads: 2, wordBytes: LEVELS[level].wordBytes, bankBytes };
    expect(place(model, sizes).banks.length).toBeGreaterThan(1);
    for (const threads of [1, 2]) {
      const host = nodeHost({ threads });
      expect(differing(base, await lastLogits(host, model, { level, threads, bankBytes }, LENGTH, 50))).toBe(0);
    }
  });

  it("runs heads whose width is no multiple of eight, one query head a key head", async () => {
    const shape = { ...TINY, heads: 4, kvHeads: 4, headDim: 20, dim: 64, ffnDim: 96 };
    const model = smallModel(shape, (name) => (name.includes("attn_output") ? "F16" : "Q8_0"));
    const base = await lastLogits(nodeHost(), model, { level, threads: 1 }, 70, 1);
    expect(differing(base, await lastLogits(nodeHost(), model, { level, threads: 1 }, 70, 70))).toBe(0);
  });

  it("gives all logits, the last, or none", async () => {
    const model = smallModel(TINY, MIXED);
    const backend = await openCpu(nodeHost(), model, 64, { level, threads: 1 });
    await writeRandom(model, backend);
    await backend.ready();
    const tokens = Uint32Array.of(3, 1, 4, 1, 5);
    const all = (await backend.forward(tokens, 0, "all")).slice();
    const last = (await backend.forward(tokens, 0, "last")).slice();
    expect(all.length).toBe(5 * TINY.vocab);
    expect(differing(last, all.subarray(4 * TINY.vocab))).toBe(0);
    expect((await backend.forward(tokens, 0, "none")).length).toBe(0);
    backend.dispose();
  });

  it("reports what it holds", async () => {
    const model = smallModel(TINY, () => "Q4_0");
    const backend = await openCpu(nodeHost(), model, 512, { level, threads: 1 });
    const { dim, ffnDim, vocab, kvHeads, headDim, heads } = TINY;
    const perLayer = (2 * heads * headDim * dim + 2 * kvHeads * headDim * dim + 3 * dim * ffnDim) * (18 / 32);
    const head = Math.ceil(vocab / 8) * 8 * dim * (18 / 32);
    expect(backend.info.weightBytesPerToken).toBe(2 * perLayer + head);
    const cache = 2 * 2 * 512 * kvHeads * headDim * 2;
    expect(backend.info.memoryBytes - 2 * perLayer - head - cache).toBeLessThan(8 * 2 ** 20);
    backend.dispose();
  });

  it("stops between segments, and throws when used after dispose", async () => {
    const model = smallModel(TINY, MIXED);
    const backend = await openCpu(nodeHost(), model, 512, { level, threads: 1 });
    await writeRandom(model, backend);
    await expect(backend.forward(Uint32Array.of(1), 0, "last", AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    backend.dispose();
    await expect(backend.forward(Uint32Array.of(1), 0, "last")).rejects.toMatchObject({ code: "disposed" });
  });
});
