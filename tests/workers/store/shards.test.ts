// Shards in the store when the browser misbehaves: writes that fail, Blobs that it does not keep, a disk that is full.
import { set } from "idb-keyval";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noise, sha256, SMALL_SHARD } from "./setup.ts";
import { weights } from "../../../workers/store/database.ts";
import { wipe } from "../../../workers/store/models.ts";
import { RECORD as DEFAULTS, writeRecord, type ModelRecord } from "../../../workers/store/records.ts";

const RECORD: ModelRecord = {
  ...DEFAULTS,
  id: "m",
  name: "model.gguf",
  urls: ["http://a/model.gguf"],
  sizeBytes: SMALL_SHARD + 3,
};
const SHARD = noise(SMALL_SHARD);
const put = IDBObjectStore.prototype.put;

/** The module afresh: it remembers whether Blobs can be kept. */
const freshShards = async (): Promise<typeof import("../../../workers/store/shards.ts")> => {
  vi.resetModules();
  return import("../../../workers/store/shards.ts");
};

beforeEach(async () => {
  await wipe();
  await writeRecord(RECORD);
});
afterEach(() => {
  IDBObjectStore.prototype.put = put;
});

describe("a shard", () => {
  it("comes back with its SHA-256 and its length", async () => {
    const { readShard, writeShard } = await freshShards();
    expect(await writeShard(RECORD, 0, SHARD)).toBe(true);
    expect(await readShard("m", 0)).toMatchObject({
      state: "whole",
      bytes: SHARD,
      check: { sizeBytes: SMALL_SHARD, sha256: sha256(SHARD) },
    });
    expect(await readShard("m", 1)).toEqual({ state: "missing" });
  });

  it("streams in order, and says in the end where it was changed or is missing", async () => {
    const { streamShard, writeShard } = await freshShards();
    const large = noise(2 ** 20 + 5); // a piece and a few bytes
    await writeRecord({ ...RECORD, sizeBytes: large.length });
    expect(await writeShard({ ...RECORD, sizeBytes: large.length }, 0, large)).toBe(true);
    const read = async (index: number): Promise<string> => {
      const pieces: Buffer[] = [];
      for await (const piece of streamShard("m", index)) pieces.push(Buffer.from(piece));
      return sha256(Buffer.concat(pieces));
    };
    expect(await read(0)).toBe(sha256(large));
    await expect(read(1)).rejects.toMatchObject({ code: "damaged" });
    const other = large.slice();
    other[70_000]! ^= 1;
    await set(["shard", "m", 0], new Blob([other]), weights);
    await expect(read(0)).rejects.toMatchObject({ code: "damaged" });
    await set(["shard", "m", 0], large.buffer, weights); // as it is kept where Blobs are not
    expect(await read(0)).toBe(sha256(large));
  });

  it("streams one shard after the other through the same buffers", async () => {
    const { streamShard, writeShard } = await freshShards();
    const large = noise(3 * 2 ** 20);
    await writeRecord({ ...RECORD, sizeBytes: large.length });
    expect(await writeShard({ ...RECORD, sizeBytes: large.length }, 0, large)).toBe(true);
    let made = 0;
    const Plain = ArrayBuffer;
    const Counted = class extends Plain {
      constructor(length: number) {
        super(length);
        if (length === 2 ** 20) made++;
      }
    };
    vi.stubGlobal("ArrayBuffer", Counted);
    try {
      for (let pass = 0; pass < 5; pass++) {
        const pieces: Buffer[] = [];
        for await (const piece of streamShard("m", 0)) pieces.push(Buffer.from(piece));
        expect(sha256(Buffer.concat(pieces))).toBe(sha256(large));
      }
    } finally {
      vi.stubGlobal("ArrayBuffer", Plain);
    }
    expect(made).toBe(2);
  });

  it("is written although two writes fail", async () => {
    let failures = 2;
    IDBObjectStore.prototype.put = function (...words) {
      if (failures-- > 0) throw new DOMException("under load", "DataError");
      return put.apply(this, words);
    };
    const { readShard, writeShard } = await freshShards();
    expect(await writeShard(RECORD, 0, SHARD)).toBe(true);
    expect(await readShard("m", 0)).toMatchObject({ state: "whole", bytes: SHARD });
  });

  it("is kept as a buffer where Blobs are not", async () => {
    IDBObjectStore.prototype.put = function (value, ...words) {
      if (value instanceof Blob) throw new DOMException("BlobURLs are not yet supported", "UnknownError");
      return put.call(this, value, ...words);
    };
    const { readShard, writeShard } = await freshShards();
    expect(await writeShard(RECORD, 0, SHARD)).toBe(true);
    expect(await readShard("m", 0)).toMatchObject({ state: "whole", bytes: SHARD });
  });

  it("is refused by a full disk at once, with the numbers", async () => {
    let tries = 0;
    IDBObjectStore.prototype.put = function () {
      tries++;
      throw new DOMException("no room", "QuotaExceededError");
    };
    const { writeShard } = await freshShards();
    await expect(writeShard(RECORD, 0, SHARD)).rejects.toMatchObject({
      code: "disk_full",
      message: /1\.50 GB of about 2\.00 GB/,
    });
    expect(tries).toBe(1);
  });

  it("is not kept once its model was removed", async () => {
    const { readShard, writeShard } = await freshShards();
    await wipe();
    expect(await writeShard(RECORD, 0, SHARD)).toBe(false);
    expect(await readShard("m", 0)).toEqual({ state: "missing" });
  });
});
