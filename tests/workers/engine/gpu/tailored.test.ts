// What most LLaMAs lack, on the GPU, against double precision: biases, adapters, windows, experts. T0 on SwiftShader; no adapter fails.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import { dawn } from "../../../shaders/dawn.ts";
import { counting, type Counts } from "./counting.ts";
import { biased, errorOf, lowRank, mixed, opened, plain, prompt, SHAPE, windowed } from "./tailored.ts";

// Keys and values are half floats: 2^-11 each, averaged over positions and summed over a residual.
const TOLERANCE = 0.002;
const EVERY = ["q", "k", "v", "o", "gate", "up", "down", "embedding"];

describe("biases", () => {
  it("are added before a product is turned, gated or added", async () => {
    const model = biased();
    const backend = await opened(dawn(), model, "T0");
    expect(await errorOf(backend, model)).toBeLessThan(TOLERANCE);
    backend.dispose();
  });
});

describe("low-rank adapters", () => {
  const model = plain();
  const counts: Counts = {};
  const all = lowRank(model, EVERY, 1);
  const some = lowRank(model, ["q", "v", "down"], 2);
  let backend: Backend;
  let first: number;
  let second: number;

  beforeAll(async () => {
    backend = await opened(counting(dawn(), counts), model, "T0");
    first = await backend.adapters!.add(all);
    second = await backend.adapters!.add(some);
  });
  afterAll(() => backend.dispose());

  it("do nothing until they are used, and cost no dispatch", async () => {
    expect(await errorOf(backend, model)).toBeLessThan(TOLERANCE);
    expect(await dispatchesOf(backend, counts)).toBe(7); // embedding, 5 of a layer without merge, head; and none to pick
  });

  it("are applied one at a time, as strongly as asked", async () => {
    for (const scale of [1, -0.5]) {
      backend.adapters!.use([{ adapter: first, scale }]);
      expect(await errorOf(backend, model, [{ adapter: all, scale }])).toBeLessThan(TOLERANCE);
    }
    backend.adapters!.use([{ adapter: second, scale: 2 }]);
    expect(await errorOf(backend, model, [{ adapter: some, scale: 2 }])).toBeLessThan(TOLERANCE);
  });

  it("are applied together", async () => {
    backend.adapters!.use([
      { adapter: second, scale: 0.7 },
      { adapter: first, scale: 1.5 },
    ]);
    const applied = [
      { adapter: all, scale: 1.5 },
      { adapter: some, scale: 0.7 },
    ];
    expect(await errorOf(backend, model, applied)).toBeLessThan(TOLERANCE);
  });

  it("decode what they compute", async () => {
    backend.adapters!.use([{ adapter: first, scale: 1 }]);
    const expected: number[] = [];
    let logits = await backend.forward(Uint32Array.of(1, 2, 3), 0, "last");
    for (let at = 3; at < 9; at++) {
      expected.push(logits.indexOf(Math.max(...logits)));
      logits = await backend.forward(Uint32Array.of(expected.at(-1)!), at, "last");
    }
    await backend.forward(Uint32Array.of(1, 2, 3), 0, "last");
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, repeatWindow: 0, seed: 1 };
    const found: number[] = [];
    const request = { at: 3, limit: 6, sampling, recent: [], endIds: [], stopped: () => false };
    for await (const ids of backend.decode!(request)) found.push(...ids);
    expect(found).toEqual(expected);
  });

  it("cost two dispatches for each map they change", async () => {
    backend.adapters!.use([{ adapter: first, scale: 1 }]);
    expect(await dispatchesOf(backend, counts)).toBe(7 + 2 * 5);
    backend.adapters!.use([{ adapter: second, scale: 1 }]);
    expect(await dispatchesOf(backend, counts)).toBe(7 + 2 * 2); // q and v are one map
  });

  it("are refused where they do not fit", async () => {
    const other = { rank: 1, a: new Float32Array(64), b: new Float32Array(65) };
    const add = (name: string) => backend.adapters!.add({ lowRank: new Map([[name, other]]), prompts: new Map() });
    await expect(add("q")).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("64 x 64") });
    await expect(add("blk.1.q")).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("blk.1.q") });
  });

  it("leave no trace when they are removed, in use or not", async () => {
    const bytes = backend.info.memoryBytes;
    const third = await backend.adapters!.add(some);
    backend.adapters!.use([{ adapter: third, scale: 1 }]);
    backend.adapters!.remove(third);
    expect(backend.info.memoryBytes).toBe(bytes);
    expect(await errorOf(backend, model)).toBeLessThan(TOLERANCE);
    expect(() => backend.adapters!.use([{ adapter: third, scale: 1 }])).toThrow("There is no adapter");
  });
});

describe("learned prompts", () => {
  it.each([1, 70])("of %i positions are attended to beside the text, beside low-rank changes", async (length) => {
    const model = plain();
    const backend = await opened(dawn(), model, "T0");
    const [adapter, other] = [prompt(model, length), lowRank(model, ["q", "o"], 3)];
    const [id, otherId] = [await backend.adapters!.add(adapter), await backend.adapters!.add(other)];
    backend.adapters!.use([{ adapter: id, scale: 1 }]);
    expect(await errorOf(backend, model, [{ adapter, scale: 1 }])).toBeLessThan(TOLERANCE);
    const both = { adapter: other, scale: 1 };
    backend.adapters!.use([
      { adapter: id, scale: -0.5 },
      { adapter: otherId, scale: 1 },
    ]);
    expect(await errorOf(backend, model, [{ adapter, scale: -0.5 }, both])).toBeLessThan(TOLERANCE);
    backend.dispose();
  });

  it("are refused where they do not fit", async () => {
    const backend = await opened(dawn(), plain(), "T0");
    const other = prompt(plain({ ...SHAPE, heads: 8 }), 3);
    await expect(backend.adapters!.add(other)).rejects.toMatchObject({ code: "bad_file" });
    const later = { ...other, prompts: new Map([[1, other.prompts.get(0)!]]) };
    await expect(backend.adapters!.add(later)).rejects.toMatchObject({ message: expect.stringContaining("layer 2 of 1") });
    backend.dispose();
  });
});

describe("a sliding window", () => {
  it.each([
    [5, "f16"],
    [130, "f16"],
    [40, "int8"],
  ] as const)("of %i positions hides what is older, in tiles, over splits and alone, kept as %s", async (window, cache) => {
    const model = windowed(window);
    const backend = await opened(dawn(), model, "T0", cache);
    const tolerance = TOLERANCE + (cache === "int8" ? 0.02 : 0);
    expect(await errorOf(backend, model, [], [3, 1, 1, 1, 100, 40, 1, 1])).toBeLessThan(tolerance);
    backend.dispose();
  });
});

describe("experts", () => {
  it("cost a token five dispatches more than a feed-forward network", async () => {
    const counts: Counts = {};
    const backend = await opened(counting(dawn(), counts), mixed(), "T0");
    expect(await dispatchesOf(backend, counts)).toBe(7 + 5); // norm, router, route, gate, up, down, mix instead of two
    backend.dispose();
  });

  it.each([undefined, 4096])(
    "are chosen by the router, for one token, a few and many, with bindings of %s bytes",
    async (bindingBytes) => {
      const model = mixed(); // of 3072 bytes each in 4 bits: 4096 bytes hold one
      const backend = await opened(dawn(), model, "T0", "f16", bindingBytes);
      expect(await errorOf(backend, model)).toBeLessThan(TOLERANCE);
      backend.dispose();
    },
  );
});

/** Dispatches of one token without picking it. */
async function dispatchesOf(backend: Backend, counts: Counts): Promise<number> {
  const before = counts["dispatchWorkgroups"] ?? 0;
  await backend.forward(Uint32Array.of(1), 0, "last");
  return (counts["dispatchWorkgroups"] ?? 0) - before;
}
