// A model file from a server into the store and out again, with a hub that behaves, one that doesn't, and damage in the store.
import { beforeEach, describe, expect, it } from "vitest";
import { NETWORK, noise, sha256, SMALL_SHARD, startHub, type TestHub } from "./setup.ts";
import { MISHAPS, seededSchedule } from "../../golden/hub.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import { listModels, removeModel, wipe } from "../../../workers/store/models.ts";
import { openUrl, type RemoteSource } from "../../../workers/store/remote.ts";
import { createStore, get, set } from "idb-keyval";

const SIZE = 5 * SMALL_SHARD + 100; // six shards, the last a short one
const FILE = noise(SIZE);
const options = { network: NETWORK };

beforeEach(wipe);

describe("a file on a server", () => {
  it("comes back byte for byte, and from then on without the server", async () => {
    const hub = await startHub(FILE);
    const source = await openUrl([hub.url], options);
    expect([source.name, source.sizeBytes]).toEqual(["model.gguf", SIZE]);
    expect(await readAll(source)).toEqual(FILE);
    const requests = hub.log.length;
    const again = await openUrl([hub.url], options);
    expect(await readAll(again)).toEqual(FILE);
    expect(hub.log.length).toBe(requests);
  });

  it("asks for each shard once, the length before", async () => {
    const hub = await startHub(FILE);
    await readAll(await openUrl([hub.url], options));
    expect(hub.log.map((entry) => entry.sentBytes).reduce((sum, bytes) => sum + bytes)).toBe(SIZE + 1);
  });

  it("gives any range before and after the download, cut at the end of the file", async () => {
    const hub = await startHub(FILE);
    const source = await openUrl([hub.url], options);
    const ranges = [[0, 10], [SMALL_SHARD - 5, 10], [10, 3 * SMALL_SHARD], [SIZE - 3, 10], [SIZE, 1]] as const; // prettier-ignore
    const right = ranges.map(([offset, length]) => FILE.slice(offset, offset + length));
    expect(await Promise.all(ranges.map(([offset, length]) => source.read(offset, length)))).toEqual(right);
    await source.download();
    const requests = hub.log.length;
    expect(await Promise.all(ranges.map(([offset, length]) => source.read(offset, length)))).toEqual(right);
    expect(hub.log.length).toBe(requests);
  });

  it("writes nothing before it is downloaded", async () => {
    const hub = await startHub(FILE);
    await (await openUrl([hub.url], options)).read(0, 100);
    expect(await listModels()).toEqual([]);
  });

  it("goes on where it was when it was stopped", async () => {
    const hub = await stoppedDownload();
    const kept = (await listModels())[0]!.storedBytes;
    hub.log.length = 0;
    await readAll(await openUrl([hub.url], options));
    const again = hub.log.map((entry) => entry.sentBytes).reduce((sum, bytes) => sum + bytes);
    expect([kept < SIZE, again]).toEqual([true, SIZE - kept + 1]);
  });

  it("reports progress that never passes the whole and ends there", async () => {
    const hub = await startHub(FILE);
    const seen: number[] = [];
    await (await openUrl([hub.url], { ...options, onProgress: ({ doneBytes }) => seen.push(doneBytes) })).download();
    expect(seen.at(-1)).toBe(SIZE);
    expect(Math.max(...seen)).toBe(SIZE);
  });

  it("takes the second address where the first has no such file, and keeps one copy for both", async () => {
    const hub = await startHub(FILE);
    const elsewhere = hub.url.replace("model.gguf", "status/404");
    const source = await openUrl([elsewhere, hub.url], { ...options, id: "a" });
    expect(await readAll(source)).toEqual(FILE);
    expect(await listModels()).toMatchObject([
      { id: "a", name: "model.gguf", sizeBytes: SIZE, storedBytes: SIZE, complete: true, url: hub.url, parts: 1, busy: false },
    ]);
  });

  it("starts over when the file changed between two visits, and keeps a whole one as it is", async () => {
    const hub = await stoppedDownload();
    const other = noise(SIZE, 2);
    [hub.file.bytes, hub.file.etag] = [other, '"2"'];
    const changed = await openUrl([hub.url], options);
    expect(await changed.read(0, 100)).toEqual(other.slice(0, 100));
    expect(await readAll(changed)).toEqual(other);
    [hub.file.bytes, hub.file.etag] = [FILE, '"3"'];
    expect(await readAll(await openUrl([hub.url], options))).toEqual(other);
  });

  it("starts over when the file changes under the download", async () => {
    const other = noise(SIZE - 1000, 3);
    let requests = 0;
    const hub = await startHub(FILE, {
      schedule: () => {
        if (++requests === 5) [hub.file.bytes, hub.file.etag] = [other, '"2"'];
        return "right";
      },
    });
    const source = await openUrl([hub.url], options);
    expect(await readAll(source)).toEqual(other);
  });

  it("is read whole from a small server without ranges", async () => {
    const hub = await startHub(FILE, { schedule: () => "whole" });
    expect(await readAll(await openUrl([hub.url], options))).toEqual(FILE);
  });

  it("leaves nothing behind when it is removed, even under a download", async () => {
    const hub = await startHub(FILE);
    const source = await openUrl([hub.url], {
      ...options,
      onProgress: ({ doneBytes }) => void (doneBytes > 0 && removeModel(hub.url)),
    });
    await source.download().catch((error: unknown) => expect(EngineError.record(error).code).toBe("aborted"));
    await removeModel(hub.url);
    expect(await listModels()).toEqual([]);
    expect(await get(["shard", hub.url, 0], createStore("cria-weights", "keyval"))).toBeUndefined();
  });
});

describe("a published hash", () => {
  it("lets no other file through, however often it is fetched", async () => {
    const hub = await startHub(noise(SIZE, 9));
    const source = await openUrl([hub.url], { ...options, sha256: sha256(FILE) });
    await expect(source.shard(0)).rejects.toMatchObject({ code: "damaged" });
  });

  it("finds the one bad shard of a line that flipped a byte, and fetches no shard behind it again", async () => {
    const flipped = `bytes=${String(2 * SMALL_SHARD)}-${String(3 * SMALL_SHARD - 1)}`;
    const hub = await startHub(FILE, { schedule: (range, tries) => (range === flipped && tries === 0 ? "flip" : "right") });
    const source = await openUrl([hub.url], { ...options, sha256: sha256(FILE) });
    expect(await readAll(source)).toEqual(FILE);
    const counts = new Map<string, number>();
    for (const { range } of hub.log) counts.set(range, (counts.get(range) ?? 0) + 1);
    // The probe and shards 3, 4 and 5 once; 0 and 1 again to compare them; 2 again, and with it the hash is right.
    expect([...counts.values()].sort()).toEqual([1, 1, 1, 1, 2, 2, 2]);
  });

  it("makes a file of another hash a new download", async () => {
    const hub = await startHub(FILE);
    await (await openUrl([hub.url], { ...options, id: "a", sha256: sha256(FILE) })).download();
    const other = noise(SIZE, 4);
    [hub.file.bytes, hub.file.etag] = [other, '"2"'];
    expect(await readAll(await openUrl([hub.url], { ...options, id: "a", sha256: sha256(other) }))).toEqual(other);
  });
});

describe("damage in the store", () => {
  const store = createStore("cria-weights", "keyval");

  it("is seen at the next read, and that shard alone is fetched again", async () => {
    const hub = await startHub(FILE);
    await (await openUrl([hub.url], options)).download();
    const damaged = FILE.slice(SMALL_SHARD, 2 * SMALL_SHARD);
    damaged[7]! ^= 1;
    await set(["shard", hub.url, 1], new Blob([damaged]), store);
    hub.log.length = 0;
    expect(await readAll(await openUrl([hub.url], options))).toEqual(FILE);
    expect(hub.log.map((entry) => entry.range)).toEqual([`bytes=${String(SMALL_SHARD)}-${String(2 * SMALL_SHARD - 1)}`]);
  });

  it("is seen where only a header is read, too", async () => {
    const hub = await startHub(FILE);
    await (await openUrl([hub.url], options)).download();
    await set(["shard", hub.url, 0], new Blob([new Uint8Array(SMALL_SHARD)]), store);
    expect(await (await openUrl([hub.url], options)).read(0, 100)).toEqual(FILE.slice(0, 100));
  });

  it("is not mended with bytes of another file", async () => {
    const hub = await startHub(FILE);
    await (await openUrl([hub.url], options)).download();
    await set(["shard", hub.url, 0], new Blob([new Uint8Array(SMALL_SHARD)]), store);
    hub.file.bytes = noise(SIZE, 5);
    await expect((await openUrl([hub.url], options)).shard(0)).rejects.toMatchObject({ code: "damaged" });
  });
});

describe("a server that cannot help", () => {
  const codeOf = async (path: string): Promise<string> => {
    const hub = await startHub(FILE);
    return openUrl([hub.url.replace("model.gguf", path)], options).then(() => "opened", (error: unknown) => EngineError.record(error).code); // prettier-ignore
  };
  it.each([["nothing.gguf", "not_found"], ["status/410", "not_found"], ["status/401", "unauthorized"], ["status/403", "unauthorized"], ["status/500", "network"], ["status/400", "network"]])("%s: %s", async (path, code) => expect(await codeOf(path)).toBe(code)); // prettier-ignore

  it("is named when nobody answers", async () => {
    await expect(openUrl(["http://127.0.0.1:9/model.gguf"], options)).rejects.toMatchObject({
      code: "network",
      message: /127\.0\.0\.1:9/,
    });
  });

  it("is refused when it sends a large file whole", async () => {
    const length = 65 * 2 ** 20;
    const network = { ...NETWORK, fetch: async () => new Response(null, { headers: { "Content-Length": String(length) } }) };
    await expect(openUrl(["http://a/b.gguf"], { network })).rejects.toMatchObject({ code: "no_ranges" });
  });
});

describe("a server that does all it can to spoil a download", () => {
  const seeds = Array.from({ length: process.env["CRIA_LONG"] ? 300 : 16 }, (_, seed) => seed);

  it.each(seeds)("fails to, by schedule %i, where the hash is published", async (seed) => {
    const hub = await startHub(FILE, { schedule: seededSchedule(seed) });
    const source = await openUrl([hub.url], { ...options, sha256: sha256(FILE) });
    expect(await readAll(source)).toEqual(FILE);
  });

  it.each(seeds)("fails to, by schedule %i, without a hash where no bytes are flipped unseen", async (seed) => {
    const honest = MISHAPS.filter((mishap) => mishap !== "flip");
    const hub = await startHub(FILE, { schedule: seededSchedule(seed, honest) });
    expect(await readAll(await openUrl([hub.url], options))).toEqual(FILE);
  });
});

/** A hub after a download that was stopped at its sixth request: the probe and at least one shard went well. */
async function stoppedDownload(): Promise<TestHub> {
  const stop = new AbortController();
  let requests = 0;
  const hub = await startHub(FILE, {
    schedule: () => {
      if (++requests === 6) stop.abort();
      return requests < 6 ? "right" : "stall";
    },
  });
  const stopped = (await openUrl([hub.url], options)).download(stop.signal);
  expect(EngineError.record(await stopped.catch((error: unknown) => error)).code).toBe("aborted");
  requests = -100;
  return hub;
}

async function readAll(source: RemoteSource): Promise<Uint8Array> {
  await source.download(); // a server may lie about the length at first
  const bytes = new Uint8Array(source.sizeBytes);
  for (let index = 0; index * SMALL_SHARD < bytes.length; index++) bytes.set(await source.shard(index), index * SMALL_SHARD);
  return bytes;
}
