import { describe, expect, it } from "vitest";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import type { Shape } from "../../../../workers/engine/base/model.ts";
import { BackendSession } from "../../../../workers/engine/model/session.ts";

const SHAPE: Shape = {
  layers: 1,
  dim: 4,
  ffnDim: 4,
  heads: 1,
  kvHeads: 1,
  headDim: 4,
  vocab: 3,
  contextLength: 8,
  epsilon: 1e-5,
};

/** A backend that computes nothing and writes down what it was asked. Logits are the position, vocab times over. */
function recorder(): { backend: Backend; calls: { at: number; tokens: number[]; logits: string }[] } {
  const calls: { at: number; tokens: number[]; logits: string }[] = [];
  const backend: Backend = {
    info: { backend: "wasm", tier: "", reason: "", threads: 1, weightBytesPerToken: 0, memoryBytes: 0 },
    contextLength: 8,
    chunk: 3,
    rowGroup: 1,
    write: () => Promise.resolve(),
    ready: () => Promise.resolve(),
    forward(tokens, at, logits) {
      calls.push({ at, tokens: [...tokens], logits });
      const rows = logits === "all" ? tokens.length : logits === "last" ? 1 : 0;
      const first = at + tokens.length - rows;
      return Promise.resolve(Float32Array.from({ length: rows * 3 }, (_, i) => first + Math.floor(i / 3)));
    },
    hidden: null,
    snapshots: null,
    adapters: null,
    async *decode(request) {
      await Promise.resolve();
      yield Uint32Array.from({ length: request.limit }, (_, i) => 100 + request.at + i);
    },
    dispose: () => undefined,
  };
  return { backend, calls };
}

describe("a session", () => {
  it("reads a prompt in chunks and asks for logits at its end alone", async () => {
    const { backend, calls } = recorder();
    const session = new BackendSession(backend, SHAPE);
    const { logits } = await session.prefill([1, 2, 3, 4]);
    expect(calls).toEqual([
      { at: 0, tokens: [1, 2, 3], logits: "none" },
      { at: 3, tokens: [4], logits: "last" },
    ]);
    expect([...logits]).toEqual([3, 3, 3]);
  });

  it("reads again only what differs from the cache, and always the last token", async () => {
    const { backend, calls } = recorder();
    const session = new BackendSession(backend, SHAPE);
    await session.prefill([1, 2, 3]);
    calls.length = 0;
    expect((await session.prefill([1, 2, 5])).cachedTokens).toBe(2);
    expect((await session.prefill([1, 2, 5])).cachedTokens).toBe(2);
    expect(calls.map((call) => call.at)).toEqual([2, 2]);
    expect(session.cached).toEqual([1, 2, 5]);
  });

  it("gives the logits of every position when asked, cache or not", async () => {
    const { backend } = recorder();
    const session = new BackendSession(backend, SHAPE);
    await session.prefill([1, 2, 3, 4]);
    const seen: number[] = [];
    await session.prefill([1, 2, 3, 4], { onLogits: (position, logits) => seen.push(position, logits.length / 3) });
    expect(seen).toEqual([0, 3, 3, 1]);
  });

  it("says context_full before it computes anything", async () => {
    const { backend, calls } = recorder();
    const session = new BackendSession(backend, SHAPE);
    await expect(session.prefill([1, 2, 3, 4, 5, 6, 7, 8, 9])).rejects.toMatchObject({ code: "context_full" });
    expect(calls).toEqual([]);
  });

  it("counts tokens decoded on the device as read, but for the last", async () => {
    const { backend } = recorder();
    const session = new BackendSession(backend, SHAPE);
    await session.prefill([1, 2]);
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, repeatWindow: 0, seed: 0 };
    const runs = session.decode!({ limit: 100, sampling, recent: [], endIds: [], stopped: () => false });
    for await (const run of runs) expect([...run]).toEqual([102, 103, 104, 105, 106, 107]);
    expect(session.cached).toEqual([1, 2, 102, 103, 104, 105, 106]);
  });

  it("refuses work after dispose", async () => {
    const { backend } = recorder();
    const session = new BackendSession(backend, SHAPE);
    session.dispose();
    await expect(session.prefill([1])).rejects.toMatchObject({ code: "disposed" });
  });
});
