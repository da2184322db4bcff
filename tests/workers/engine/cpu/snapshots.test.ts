// What the WASM backend gives beside logits: hidden states, and its cache as bytes.
import { describe, expect, it } from "vitest";
import { QUANTS } from "../../../../shaders/quant/index.ts";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import type { Model } from "../../../../workers/engine/base/model.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { nodeHost } from "../node-host.ts";
import { numbers, randomMatrix } from "./products.ts";
import { differing } from "./same-bits.ts";
import { MIXED, smallModel, TINY, writeRandom } from "./small-model.ts";

const LENGTH = 100; // two runs of positions
const text = (() => {
  const random = numbers(5);
  return Uint32Array.from({ length: LENGTH + 1 }, () => random() % TINY.vocab);
})();

async function opened(model: Model, contextLength: number, threads: number, bankBytes?: number): Promise<Backend> {
  const options = { level: "plain", threads, ...(bankBytes ? { bankBytes } : {}) } as const;
  const backend = await openCpu(nodeHost({ threads }), model, contextLength, options);
  await writeRandom(model, backend);
  await backend.ready();
  return backend;
}

describe("hidden states", () => {
  it("give the logits when the head is put on them", async () => {
    const model = smallModel(TINY, (name) => (name.startsWith("token_embd") ? "F32" : "Q8_0"));
    const backend = await opened(model, 512, 1);
    const hidden = (await backend.hidden!(text.subarray(0, 9), 0)).slice();
    const logits = await backend.forward(text.subarray(0, 9), 0, "all");
    expect(hidden.length).toBe(9 * TINY.dim);
    const head = new Float32Array(TINY.vocab * TINY.dim);
    const rows = randomMatrix("F32", 64, TINY.dim, 1); // what writeRandom wrote to the first matrix, again and again
    for (let row = 0; row < TINY.vocab; row += 64) {
      const count = Math.min(64, TINY.vocab - row);
      const floats = new Float32Array(count * TINY.dim);
      QUANTS.F32.dequantize(rows.subarray(0, floats.byteLength), floats);
      head.set(floats, row * TINY.dim);
    }
    for (const token of [0, 8]) {
      const x = hidden.subarray(token * TINY.dim, (token + 1) * TINY.dim);
      const factor = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / TINY.dim + TINY.epsilon);
      for (const row of [0, 77, 202]) {
        const y = x.reduce((sum, v, k) => sum + v * factor * head[row * TINY.dim + k]!, 0);
        expect(logits[token * TINY.vocab + row]).toBeCloseTo(y, 5); // floats against doubles, 256 terms of about 0.03
      }
    }
    backend.dispose();
  });

  it("are those of the last layer when layers lie in several banks", async () => {
    const model = smallModel({ ...TINY, layers: 6 }, MIXED, false);
    const one = await opened(model, 512, 1);
    const many = await opened(model, 512, 1, 5 * 2 ** 20);
    const expected = (await one.hidden!(text.subarray(0, 20), 0)).slice();
    expect(differing(expected, await many.hidden!(text.subarray(0, 20), 0))).toBe(0);
    one.dispose();
    many.dispose();
  });
});

describe("a snapshot of the cache", () => {
  it.each([
    ["heads of whole strips", TINY],
    ["heads whose width is no multiple of eight", { ...TINY, headDim: 20 }],
  ])("is read by another thread count, context length and bank: %s", async (_, shape) => {
    const model = smallModel({ ...shape, layers: 8 }, () => "F16");
    const first = await opened(model, 128, 1);
    await first.forward(text.subarray(0, LENGTH), 0, "none");
    const expected = (await first.forward(text.subarray(LENGTH), LENGTH, "last")).slice();
    const snapshots = first.snapshots!;
    const whole = await snapshots.read(0, LENGTH);
    expect(whole.length).toBe(LENGTH * snapshots.positionBytes);
    // In two pieces, the second from the middle of a run and of a tile of keys.
    const pieces = [await snapshots.read(0, 75), await snapshots.read(75, 25)];
    expect(Buffer.concat(pieces).equals(Buffer.from(whole))).toBe(true);

    const second = await opened(model, 320, 2, 6 * 2 ** 20);
    expect(second.snapshots!.form).toBe(snapshots.form);
    await second.snapshots!.write(75, pieces[1]!);
    await second.snapshots!.write(0, whole.subarray(0, 75 * snapshots.positionBytes));
    expect(differing(expected, await second.forward(text.subarray(LENGTH), LENGTH, "last"))).toBe(0);
    await expect(second.snapshots!.write(300, whole)).rejects.toThrow("do not fit");
    first.dispose();
    second.dispose();
  });
});
