// What passes between the engine's worker and the service worker, and files from the user's disk.
import { beforeEach, describe, expect, it } from "vitest";
import { NETWORK, noise, SMALL_SHARD, startHub } from "./setup.ts";
import { parseShardUrl, shardPath, FROM_SERVICE_WORKER } from "../../../workers/store/courier.ts";
import { deliverShard } from "../../../workers/store/delivery.ts";
import { openFile } from "../../../workers/store/local.ts";
import { Meter } from "../../../workers/store/meter.ts";
import { wipe } from "../../../workers/store/models.ts";
import { openUrl } from "../../../workers/store/remote.ts";

beforeEach(wipe);

describe("the address of a shard", () => {
  const scope = "https://host/app/";

  it("keeps an id of any letters", () => {
    const id = "https://hub/a b/model%20.gguf?x=1#y";
    expect(parseShardUrl(scope + shardPath(id, 7), scope)).toEqual({ id, index: 7 });
  });

  it("is no other address", () => {
    for (const url of [scope, `${scope}shards/a`, `${scope}shards/a/b`, "https://host/shards/a/1"])
      expect(parseShardUrl(url, scope)).toBeNull();
  });
});

describe("the service worker's answer", () => {
  it("is the shard of a model that is known, fetched once for two who ask", async () => {
    const bytes = noise(SMALL_SHARD);
    const hub = await startHub(bytes);
    const source = await openUrl([hub.url], { network: NETWORK });
    await source.download();
    const answers = await Promise.all([deliverShard(hub.url, 0, null), deliverShard(hub.url, 0, null)]);
    for (const answer of answers) {
      expect([answer.status, answer.headers.get(FROM_SERVICE_WORKER)]).toEqual([200, "shard"]);
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
    }
  });

  it("is an error as data for a model that is not", async () => {
    const answer = await deliverShard("nothing", 0, null);
    // Not with a status of its own: the browser would write it to the console.
    expect([answer.status, answer.headers.get(FROM_SERVICE_WORKER)]).toEqual([200, "error"]);
    expect(await answer.json()).toMatchObject({ code: "aborted" });
  });
});

describe("a file from disk", () => {
  const source = openFile(new File([noise(SMALL_SHARD + 10)], "own.gguf"));

  it("is read in place, in shards and in pieces", async () => {
    expect([source.name, source.sizeBytes]).toEqual(["own.gguf", SMALL_SHARD + 10]);
    expect(await source.shard(1)).toEqual(noise(SMALL_SHARD + 10).slice(SMALL_SHARD));
    expect(await source.read(SMALL_SHARD + 8, 100)).toEqual(noise(SMALL_SHARD + 10).slice(SMALL_SHARD + 8));
  });

  it("is not read once reading was stopped", async () => {
    await expect(source.read(0, 1, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("the meter of a download", () => {
  it("adds up what was stored and what arrives, and takes a restarted shard's bytes back", () => {
    const seen: number[] = [];
    const meter = new Meter(100, 300, ({ doneBytes, totalBytes }) => seen.push(doneBytes, totalBytes));
    meter.arrived(1, 60);
    meter.arrived(2, 30);
    meter.arrived(1, 10);
    meter.finish();
    expect(seen.slice(0, 2)).toEqual([100, 300]);
    expect(seen.slice(-2)).toEqual([140, 300]);
  });
});
