// A model larger than its memory: layers are read again for each pass, and the numbers are those of one that rests in memory.
import { describe, expect, it } from "vitest";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import { EngineError } from "../../../../workers/engine/base/errors.ts";
import type { Model, Tensor } from "../../../../workers/engine/base/model.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { bankBytesOf, CHUNK, place } from "../../../../workers/engine/cpu/place.ts";
import type { Bring } from "../../../../workers/engine/cpu/stream.ts";
import { nodeHost } from "../node-host.ts";
import { numbers } from "./products.ts";
import { differing } from "./same-bits.ts";
import { MIXED, smallModel, TINY, writeRandom } from "./small-model.ts";

const level = "plain";
const LENGTH = 150; // more than a chunk
const sizes = { chunk: CHUNK, contextLength: 192, maxThreads: 1, wordBytes: 8, bankBytes: 2 ** 31 };

describe("a model larger than its memory", () => {
  it.each([
    [8, 1, 150],
    [8, 2, 1],
    [9, 2, 40], // one of an odd number always rests
  ])("gives the same bits: %i layers, %i threads, %i tokens at a time", async (layers, threads, step) => {
    const { model, memoryBytes } = capped(layers);
    const whole = await run(model, {}, 1, LENGTH);
    const read: string[] = [];
    const part = await run(model, { memoryBytes, bring: await storeOf(model, (name) => read.push(name)) }, threads, step);
    expect(differing(whole, part)).toBe(0);
    expect(new Set(read.map((name) => name.split(".")[1])).size).toBe(layers - (layers % 2)); // of every layer but the one at rest
  });

  it("keeps as many layers as there is room for, within its bytes", () => {
    const { model } = capped(12);
    const whole = bankBytesOf(place(model, sizes));
    const layer = layerBytes(model);
    const streamed = (memoryBytes: number): number => place(model, { ...sizes, memoryBytes }).streamed.length;
    expect(streamed(whole)).toBe(0);
    expect(streamed(whole - 2 * layer)).toBe(4); // two slots for four layers
    expect(streamed(whole - 4 * layer)).toBe(6);
    expect(bankBytesOf(place(model, { ...sizes, memoryBytes: whole - 4 * layer }))).toBeLessThanOrEqual(whole - 4 * layer);
    expect(streamed(whole - 10 * layer)).toBe(12);
    expect(() => streamed(whole - 11 * layer)).toThrowError(expect.objectContaining({ code: "out_of_memory" }));
  });

  it("goes on after a pass that was given up, and after a read that failed", async () => {
    const { model, memoryBytes } = capped(8);
    const store = await storeOf(model);
    let failing = false;
    const bring: Bring = (tensors, sink, signal) => {
      if (failing) return Promise.reject(new EngineError("storage_failed", "The disk is gone."));
      return store(tensors, sink, signal);
    };
    const backend = await openCpu(nodeHost(), model, 192, { level, threads: 1, memoryBytes, bring });
    await writeRandom(model, backend);
    await backend.ready();
    const tokens = Uint32Array.of(5, 6, 7);
    const right = (await backend.forward(tokens, 0, "last")).slice();
    for (const afterMs of [0, 2, 5]) {
      const stop = AbortSignal.timeout(afterMs);
      await backend.forward(tokens, 0, "last", stop).catch((error: unknown) => error);
      expect(differing(right, await backend.forward(tokens, 0, "last"))).toBe(0);
    }
    failing = true;
    await expect(backend.forward(tokens, 0, "last")).rejects.toMatchObject({ code: "storage_failed" });
    failing = false;
    expect(differing(right, await backend.forward(tokens, 0, "last"))).toBe(0);
    const last = backend.forward(tokens, 0, "last");
    backend.dispose();
    await expect(last).rejects.toMatchObject({ code: expect.stringMatching(/disposed|aborted/) });
  });

  it("says what is read for a pass", async () => {
    const { model, memoryBytes } = capped(8);
    const backend = await openCpu(nodeHost(), model, 192, { level, threads: 1, memoryBytes, bring: await storeOf(model) });
    expect(backend.info.reason).toContain("8 of 8 layers are read from storage");
    expect(backend.info.memoryBytes).toBeLessThan(memoryBytes + 2 ** 17); // pages, and adapters' first
    const layers = model.segments.slice(1, -1).flatMap(({ needs }) => needs.filter(({ rows }) => rows > 1));
    expect(backend.info.streamedBytes).toBe(layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    backend.dispose();
  });
});

/** A model of wide layers, and memory for not one layer more than it cannot do without. */
function capped(layers: number): { model: Model; memoryBytes: number } {
  const model = smallModel({ ...TINY, layers, ffnDim: 2048 }, MIXED);
  const whole = bankBytesOf(place(model, sizes));
  return { model, memoryBytes: whole - (layers - (layers % 2) - 3) * layerBytes(model) };
}

/** Packed matrices of a layer, which are as large as in the file. */
function layerBytes({ segments }: Model): number {
  return segments[1]!.needs.reduce((sum, { rows, sizeBytes }) => sum + (rows > 1 ? sizeBytes : 0), 0);
}

async function run(model: Model, options: object, threads: number, step: number): Promise<Float32Array> {
  const backend = await openCpu(nodeHost({ threads }), model, 192, { level, threads, ...options });
  await writeRandom(model, backend);
  await backend.ready();
  const random = numbers(5);
  const tokens = Uint32Array.from({ length: LENGTH }, () => random() % model.shape.vocab);
  let logits = new Float32Array();
  for (let at = 0; at < LENGTH; at += Math.min(step, CHUNK)) {
    const end = Math.min(LENGTH, at + Math.min(step, CHUNK));
    logits = (await backend.forward(tokens.subarray(at, end), at, end === LENGTH ? "last" : "none")).slice();
  }
  backend.dispose();
  return logits;
}

/** The rows that `writeRandom` writes, to be had again, a turn of the event loop for each tensor. */
async function storeOf(model: Model, onRead: (name: string) => void = () => undefined): Promise<Bring> {
  const rows = new Map<string, Parameters<Backend["write"]>[]>();
  const write = async (tensor: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> => {
    rows.set(tensor.name, [...(rows.get(tensor.name) ?? []), [tensor, firstRow, bytes.slice()]]);
  };
  await writeRandom(model, { write } as unknown as Backend);
  return async (tensors, sink) => {
    for (const { name } of tensors) {
      onRead(name);
      await new Promise((resolve) => setImmediate(resolve));
      for (const row of rows.get(name)!) await sink.write(...row);
    }
  };
}
