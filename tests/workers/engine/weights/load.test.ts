// Loading weights: every needed row reaches the backend once, in whole groups, whatever the shards cut through.
import { describe, expect, it } from "vitest";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import { EngineError } from "../../../../workers/engine/base/errors.ts";
import type { Model, Tensor } from "../../../../workers/engine/base/model.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { loadWeights, readTensors } from "../../../../workers/engine/weights/load.ts";
import { planLoad } from "../../../../workers/engine/weights/plan.ts";
import { memorySource } from "../../../golden/sources.ts";

const embedding = tensor("embedding", 10, 4, 64); // 64 .. 224, rows of 16 bytes
const matrix = tensor("matrix", 7, 8, 256); // 256 .. 480, rows of 32
const unneeded = tensor("unneeded", 40, 8, 480); // 480 .. 1760
const norm = tensor("norm", 1, 8, 1760); // 1760 .. 1792
const FILE = Uint8Array.from({ length: 1792 }, (_, i) => (i * 31) % 251);

describe("loadWeights", () => {
  it.each([
    [1, 16],
    [1, 50],
    [2, 100],
    [4, 100],
    [4, 7], // a group goes over many shards
    [8, 1 << 20],
  ])("writes every row once, in groups of %i, from shards of %i bytes", async (rowGroup, shardBytes) => {
    const { backend, written } = collector(rowGroup);
    await loadWeights(memorySource(FILE, shardBytes), model([norm, embedding], [matrix], [embedding]), backend, { shardBytes });
    expect([...written.keys()]).toEqual(["embedding", "matrix", "norm"]); // file order, the tied one once
    for (const needed of [embedding, matrix, norm]) {
      expect(written.get(needed.name)).toEqual([...FILE.subarray(needed.offset, needed.offset + needed.sizeBytes)]);
    }
  });

  it("leaves out shards that hold nothing of the model, and reports progress to the end", async () => {
    const asked: number[] = [];
    const source = memorySource(FILE, 128);
    const { backend } = collector(2);
    const progress: number[] = [];
    const onProgress = (doneBytes: number, totalBytes: number): unknown => progress.push(doneBytes / totalBytes);
    const recording = { ...source, shard: (index: number) => (asked.push(index), source.shard(index)) };
    await loadWeights(recording, model([embedding], [norm]), backend, { shardBytes: 128, onProgress });
    expect(asked).toEqual([0, 1, 13]); // embedding in 0 and 1, norm in 13
    expect(progress).toEqual([64 / 192, 160 / 192, 1]);
  });

  it("fetches one shard ahead and holds no third", async () => {
    let fetched = 0;
    let written = 0;
    let most = 0;
    const source = memorySource(FILE, 64);
    const ahead: ByteSource = { ...source, shard: (index) => (fetched++, source.shard(index)) };
    const { backend } = collector(1, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      most = Math.max(most, fetched - written);
    });
    await loadWeights(ahead, model([unneeded]), backend, { shardBytes: 64, onProgress: () => written++ });
    expect(most).toBe(2); // the one being written and the one being fetched
  });

  it.each([16, 48, 1 << 20])("takes a stored shard in pieces of %i bytes, as they come", async (pieceBytes) => {
    const { backend, written } = collector(4);
    const source = streaming(memorySource(FILE, 100), pieceBytes);
    expect(await loadWeights(source, model([embedding], [matrix], [norm]), backend, { shardBytes: 100 })).toBe(true);
    for (const needed of [embedding, matrix, norm]) {
      expect(written.get(needed.name)).toEqual([...FILE.subarray(needed.offset, needed.offset + needed.sizeBytes)]);
    }
  });

  it("has a shard that streamed damaged brought again, and asks to start over", async () => {
    const brought: number[] = [];
    const memory = memorySource(FILE, 100);
    const shard: ByteSource["shard"] = (index) => (brought.push(index), memory.shard(index));
    const source = { ...streaming(memory, 16, 3), shard };
    expect(await loadWeights(source, model([embedding], [matrix]), collector(4).backend, { shardBytes: 100 })).toBe(false);
    expect(brought).toEqual([3]);
    const hopeless = { ...source, shard: () => Promise.reject(new EngineError("damaged", "It stays so.")) };
    const loading = loadWeights(hopeless, model([embedding], [matrix]), collector(4).backend, { shardBytes: 100 });
    await expect(loading).rejects.toMatchObject({ message: "It stays so." });
  });

  it("reads some tensors again, and of their shards no more than them", async () => {
    const asked: [number, number][] = [];
    const memory = memorySource(FILE, 100);
    const read: ByteSource["read"] = (offset, length) => (asked.push([offset, length]), memory.read(offset, length));
    const { backend, written } = collector(4);
    await readTensors({ ...memory, read }, [norm, matrix], backend, { shardBytes: 100 });
    expect([...written.keys()]).toEqual(["matrix", "norm"]);
    expect(written.get("matrix")).toEqual([...FILE.subarray(256, 480)]);
    expect(asked).toEqual([[256, 44], [300, 100], [400, 80], [1760, 32]]); // prettier-ignore
  });

  it("puts experts that the file keeps apart where they belong, in whatever order they come", async () => {
    const [a, b] = [tensor("a", 4, 8, 256), tensor("b", 4, 8, 64)];
    const experts: Tensor = { ...tensor("experts", 8, 8, 64), parts: [a, b] };
    for (const bring of [
      (backend: Backend) => loadWeights(memorySource(FILE, 50), model([experts]), backend, { shardBytes: 50 }),
      (backend: Backend) => readTensors(memorySource(FILE, 50), [experts], backend, { shardBytes: 50 }),
    ]) {
      const rows: [string, number, number[]][] = [];
      const write: Backend["write"] = async ({ name }, firstRow, bytes) => void rows.push([name, firstRow, [...bytes]]);
      await bring({ ...collector(4).backend, write });
      const bytesOf = (offset: number): number[] => [...FILE.subarray(offset, offset + 128)];
      expect(rows).toEqual([["experts", 4, bytesOf(64)], ["experts", 0, bytesOf(256)]]); // prettier-ignore
    }
  });

  it("stops when asked, and lets the fetch ahead go", async () => {
    const controller = new AbortController();
    let aborted = 0;
    const source = memorySource(FILE, 64);
    const hanging: ByteSource = {
      ...source,
      shard: (index, signal) => {
        if (index < 3) return source.shard(index);
        return new Promise((_, reject) =>
          signal!.addEventListener("abort", () => (aborted++, reject(new EngineError("aborted", "")))),
        );
      },
    };
    const { backend } = collector(1);
    const loading = loadWeights(hanging, model([embedding, matrix]), backend, { shardBytes: 64, signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await expect(loading).rejects.toMatchObject({ code: "aborted" });
    expect(aborted).toBeGreaterThan(0);
  });

  it("passes on what the backend throws, with the fetch ahead stopped", async () => {
    let signalled: AbortSignal | undefined;
    const source = memorySource(FILE, 64);
    const recording: ByteSource = { ...source, shard: (index, signal) => ((signalled = signal), source.shard(index)) };
    const { backend } = collector(1, () => Promise.reject(new EngineError("out_of_memory", "full")));
    await expect(loadWeights(recording, model([embedding]), backend, { shardBytes: 64 })).rejects.toMatchObject({
      code: "out_of_memory",
    });
    expect(signalled?.aborted).toBe(true);
  });

  it("notices a shard that is too short", async () => {
    const source = memorySource(FILE.slice(0, 200));
    const { backend } = collector(1);
    await expect(loadWeights(source, model([embedding]), backend)).rejects.toMatchObject({ code: "truncated_file" });
  });
});

describe("planLoad", () => {
  it("cuts tensors at the borders of shards", () => {
    const plan = planLoad(model([embedding], [matrix]), 256);
    expect(plan.totalBytes).toBe(160 + 224);
    expect(plan.shards).toEqual([
      { index: 0, pieces: [{ tensor: embedding, whole: embedding, firstRow: 0, from: 64, to: 224 }] },
      { index: 1, pieces: [{ tensor: matrix, whole: matrix, firstRow: 0, from: 0, to: 224 }] },
    ]);
  });
});

function tensor(name: string, rows: number, cols: number, offset: number): Tensor {
  return { name, type: "F32", rows, cols, offset, sizeBytes: 4 * rows * cols };
}

function model(...needs: Tensor[][]): Model {
  const shape = { layers: 0, dim: 1, ffnDim: 1, heads: 1, kvHeads: 1, headDim: 1, vocab: 1, contextLength: 1, epsilon: 1 };
  const rope = { dims: 0, frequencies: new Float32Array(), magnitude: 1 };
  return { shape, rope, segments: needs.map((tensors, i) => ({ name: `${i}`, needs: tensors, steps: [] })) };
}

/** A backend that only keeps what is written, and checks that rows come in whole groups, in order. */
function collector(
  rowGroup: number,
  during = (): Promise<void> => Promise.resolve(),
): { backend: Backend; written: Map<string, number[]> } {
  const written = new Map<string, number[]>();
  const never = (): never => {
    throw new Error("not part of loading");
  };
  const write = async ({ name, rows, sizeBytes }: Tensor, firstRow: number, bytes: Uint8Array): Promise<void> => {
    const before = written.get(name) ?? [];
    const rowBytes = sizeBytes / rows;
    expect(firstRow % rowGroup).toBe(0);
    expect(before.length).toBe(firstRow * rowBytes);
    expect(bytes.length % (rowBytes * rowGroup) === 0 || firstRow + bytes.length / rowBytes === rows).toBe(true);
    await during();
    written.set(name, [...before, ...bytes]);
  };
  const info = { backend: "wasm", tier: "", reason: "", threads: 1, weightBytesPerToken: 0, memoryBytes: 0 } as const;
  const backend = {
    info,
    contextLength: 1,
    chunk: 1,
    rowGroup,
    write,
    ready: never,
    forward: never,
    decode: null,
    hidden: null,
    snapshots: null,
    adapters: null,
    dispose: never,
  };
  return { backend, written };
}

/** A source whose shards come in pieces, each overwritten when the next is asked for; shard `damaged` ends in an error. */
function streaming(source: ByteSource, pieceBytes: number, damaged = -1): ByteSource {
  async function* pieces(index: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const bytes = await source.shard(index);
    const piece = new Uint8Array(pieceBytes);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const next = bytes.subarray(at, at + pieceBytes);
      piece.set(next);
      yield piece.subarray(0, next.length);
      piece.fill(0xff);
    }
    if (index === damaged) throw new EngineError("damaged", "It was changed.");
  }
  return { ...source, pieces };
}
