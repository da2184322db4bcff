// Adapters beside the weights of the WASM backend: the same bits in every way to run, on and off again, and what does not fit.
import { describe, expect, it } from "vitest";
import type { Adapter, LayerPrompt, LowRank } from "../../../../workers/engine/base/adapter.ts";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { nodeHost } from "../node-host.ts";
import { numbers } from "./products.ts";
import { differing } from "./same-bits.ts";
import { MIXED, smallModel, TINY, writeRandom } from "./small-model.ts";

const LENGTH = 150; // two chunks, three runs
const { heads, kvHeads, headDim, dim, ffnDim, vocab } = TINY;
const text = uniform(LENGTH, vocab, 9).map(Math.floor);

describe("adapters beside quantized weights", () => {
  it("give the same bits for any threads and any tokens at a time, several at once", async () => {
    let base: Float32Array | null = null;
    for (const [threads, step] of [
      [1, 1],
      [1, 128],
      [2, 1],
      [2, 7],
      [3, 64],
    ] as const) {
      const backend = await opened(threads);
      const [first, second] = [await backend.adapters!.add(EVERYTHING), await backend.adapters!.add(PROMPT)];
      backend.adapters!.use([
        { adapter: first, scale: 0.7 },
        { adapter: second, scale: 1 },
        { adapter: first, scale: -0.2 },
      ]);
      const logits = await run(backend, step);
      base ??= logits;
      expect(differing(base, logits), `${threads} threads, ${step} tokens at a time`).toBe(0);
      backend.dispose();
    }
  });

  it("leave no trace when they are used no more, and give their memory back", async () => {
    const backend = await opened(1);
    const plain = await run(backend, 64);
    const one = await backend.adapters!.add(EVERYTHING);
    const grown = backend.info.memoryBytes;
    backend.adapters!.use([{ adapter: one, scale: 1 }]);
    expect(differing(plain, await run(backend, 64))).toBeGreaterThan(0);
    backend.adapters!.use([]);
    expect(differing(plain, await run(backend, 64))).toBe(0);
    for (let i = 0; i < 4; i++) {
      backend.adapters!.use([{ adapter: await backend.adapters!.add(PROMPT), scale: 1 }]);
      expect(differing(plain, await run(backend, 64))).toBeGreaterThan(0);
      backend.adapters!.remove(i + 1); // in use: from now on without it
      expect(differing(plain, await run(backend, 64))).toBe(0);
    }
    backend.adapters!.remove(one);
    await backend.adapters!.add(EVERYTHING);
    expect(backend.info.memoryBytes - grown).toBeLessThan(2 ** 17); // blocks were used again, but for rounding to pages
    backend.dispose();
  });

  it("are refused where they do not fit", async () => {
    const backend = await opened(1);
    const refused: [Adapter, RegExp][] = [
      [{ lowRank: new Map([["blk.7.attn_q.weight", lowRank(4, dim, dim)]]), prompts: new Map() }, /no product/],
      [{ lowRank: new Map([["blk.0.attn_k.weight", lowRank(4, 8, dim)]]), prompts: new Map() }, /not 128 x 256/],
      [{ lowRank: new Map([["token_embd.weight", lowRank(4, vocab, dim)]]), prompts: new Map() }, /merged/],
      [{ lowRank: new Map(), prompts: new Map([[5, prompt(3)]]) }, /layer 5/],
      [{ lowRank: new Map(), prompts: new Map([[0, { ...prompt(3), length: 4 }]]) }, /extents/],
    ];
    for (const [adapter, reason] of refused) await expect(backend.adapters!.add(adapter)).rejects.toThrow(reason);
    backend.dispose();
  });

  it("are refused together where a program has no room for so many, and those before stay in use", async () => {
    const backend = await opened(1);
    const one = await backend.adapters!.add(EVERYTHING);
    backend.adapters!.use([{ adapter: one, scale: 1 }]);
    const before = await run(backend, 64);
    const many = Array.from({ length: 60 }, () => ({ adapter: one, scale: 0.01 }));
    expect(() => backend.adapters!.use(many)).toThrow(/So many adapters/);
    expect(differing(before, await run(backend, 64))).toBe(0);
    backend.dispose();
  });
});

/** Every matrix of both layers, with ranks below, at and beyond a group of eight rows. */
const EVERYTHING: Adapter = {
  lowRank: new Map(
    [0, 1].flatMap((layer) =>
      (
        [
          ["attn_q", 3, heads * headDim, dim],
          ["attn_k", 8, kvHeads * headDim, dim],
          ["attn_v", 11, kvHeads * headDim, dim],
          ["attn_output", 40, dim, heads * headDim],
          ["ffn_gate", 8, ffnDim, dim],
          ["ffn_up", 5, ffnDim, dim],
          ["ffn_down", 16, dim, ffnDim],
        ] as const
      ).map(([part, rank, rows, cols]) => [`blk.${layer}.${part}.weight`, lowRank(rank, rows, cols)] as const),
    ),
  ),
  prompts: new Map(),
};

/** The other layer has none. */
const PROMPT: Adapter = { lowRank: new Map(), prompts: new Map([[1, prompt(10)]]) };

function lowRank(rank: number, rows: number, cols: number): LowRank {
  return { rank, a: uniform(rank * cols, 0.2, rank), b: uniform(rows * rank, 0.2, rows) };
}

function prompt(length: number): LayerPrompt {
  const width = length * kvHeads * headDim;
  return { length, keys: uniform(width, 1, 1), values: uniform(width, 1, 2), gates: uniform(heads, 1, 3) };
}

/** Numbers from 0 to `most`. */
function uniform(length: number, most: number, seed: number): Float32Array {
  const random = numbers(seed);
  return Float32Array.from({ length }, () => (random() / 2 ** 32) * most);
}

async function opened(threads: number): Promise<Backend> {
  const model = smallModel(TINY, MIXED);
  const backend = await openCpu(nodeHost({ threads }), model, 512, { level: "plain", threads });
  await writeRandom(model, backend);
  await backend.ready();
  return backend;
}

/** Logits of the last token. */
async function run(backend: Backend, step: number): Promise<Float32Array> {
  let logits = new Float32Array(0);
  for (let at = 0; at < LENGTH; at += step) {
    const tokens = Uint32Array.from(text.subarray(at, at + step));
    logits = (await backend.forward(tokens, at, at + step >= LENGTH ? "last" : "none")).slice();
  }
  return logits;
}
