// Split models on a server: one entry of the list, gone on with file by file, removed together; and what tokens and full disks come to.
import { beforeEach, describe, expect, it } from "vitest";
import { NETWORK, noise, sha256, SMALL_SHARD, startHub } from "./setup.ts";
import { withOffers } from "../../../workers/store/full.ts";
import { diskFull } from "../../../workers/store/room.ts";
import { listModels, removeModel, storedBytes, wipe } from "../../../workers/store/models.ts";
import { openSplit, openStoredSplit } from "../../../workers/store/split.ts";
import { keepToken, tokenFor, tokenOrigins } from "../../../workers/store/tokens.ts";
import { fetchRange, probe } from "../../../workers/store/http.ts";
import { createModel } from "../../../workers/store/writer.ts";

const PARTS = [noise(2 * SMALL_SHARD + 5, 1), noise(SMALL_SHARD, 2), noise(10, 3)];
const SIZE = PARTS.reduce((sum, { length }) => sum + length, 0);
const options = { network: NETWORK };

beforeEach(wipe);

/** Three hubs, one a part: what a part costs is seen in its hub's log. */
async function startParts(): Promise<{
  hubs: Awaited<ReturnType<typeof startHub>>[];
  addresses: { urls: string[]; sha256: string }[];
}> {
  const hubs = await Promise.all(PARTS.map((bytes) => startHub(bytes)));
  return { hubs, addresses: hubs.map(({ url }, i) => ({ urls: [url], sha256: sha256(PARTS[i]!) })) };
}

describe("a split model on a server", () => {
  it("is one entry, with progress over all files, and is opened without a request when it is here", async () => {
    const { hubs, addresses } = await startParts();
    const seen: number[] = [];
    const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }): void =>
      void seen.push(doneBytes, totalBytes);
    await (await openSplit("m", addresses, { ...options, onProgress })).download();
    expect(await listModels()).toMatchObject([
      { id: "m", sizeBytes: SIZE, storedBytes: SIZE, parts: 3, complete: true, verified: true },
    ]);
    expect(seen.slice(-2)).toEqual([SIZE, SIZE]);
    expect(Math.max(...seen)).toBe(SIZE);
    const requests = hubs.map(({ log }) => log.length);
    const again = await openSplit("m", addresses, options);
    for (const [i, part] of again.parts.entries()) expect(await part.read(0, SIZE)).toEqual(PARTS[i]);
    expect((await openStoredSplit("m"))!.parts.map(({ sizeBytes }) => sizeBytes)).toEqual(PARTS.map(({ length }) => length));
    expect(hubs.map(({ log }) => log.length)).toEqual(requests);
  });

  it("goes on with the files that are missing", async () => {
    const { hubs, addresses } = await startParts();
    const stop = new AbortController();
    const onProgress = ({ doneBytes }: { doneBytes: number }): void => void (doneBytes > 2 * SMALL_SHARD + 5 && stop.abort());
    await expect((await openSplit("m", addresses, { ...options, onProgress })).download(stop.signal)).rejects.toMatchObject({
      name: "AbortError",
    });
    hubs[0]!.log.length = 0;
    await (await openSplit("m", addresses, options)).download();
    expect([hubs[0]!.log.length, await storedBytes("m")]).toEqual([0, SIZE]);
  });

  it("is removed with all its files", async () => {
    const { addresses } = await startParts();
    await (await openSplit("m", addresses, options)).download();
    await removeModel("m");
    expect([await listModels(), await storedBytes("m part 1"), await openStoredSplit("m")]).toEqual([[], 0, null]);
  });
});

describe("an access token", () => {
  it("is sent to its own origin alone", async () => {
    const [own, other] = [await startHub(PARTS[0]!), await startHub(PARTS[0]!)];
    const token = { origin: new URL(own.url).origin, value: "secret" };
    for (const { url } of [own, other]) {
      const file = await probe(url, { ...options, token });
      await fetchRange(file, 0, 10, { ...options, token });
    }
    expect(own.log.map(({ token }) => token)).toEqual(["Bearer secret", "Bearer secret"]);
    expect(other.log.map(({ token }) => token)).toEqual(["", ""]);
  });

  it("is kept where asked, given first, and never sent over an open line", async () => {
    await keepToken("https://hub.example", "kept");
    expect(await tokenFor("https://hub.example/a", null)).toEqual({ origin: "https://hub.example", value: "kept" });
    expect(await tokenFor("https://hub.example/a", "given")).toMatchObject({ value: "given" });
    expect(await tokenFor("https://else.example/a", null)).toBeNull();
    expect(await tokenFor("http://hub.example/a", "given")).toBeNull();
    expect(await tokenOrigins()).toEqual(["https://hub.example"]);
    await keepToken("https://hub.example", null);
    expect(await tokenFor("https://hub.example/a", null)).toBeNull();
  });
});

describe("a full disk", () => {
  it("is told with the largest other models", async () => {
    for (const [id, size] of [
      ["a", 10],
      ["b", 30],
      ["c", 20],
    ] as const) {
      const writer = await createModel({ id, name: `${id}.gguf`, origin: "file", sizeBytes: size, recipe: id });
      await writer.append(noise(size));
      await writer.finish();
    }
    const full = withOffers("c", async () => {
      throw await diskFull();
    });
    await expect(full).rejects.toMatchObject({
      code: "disk_full",
      hint: expect.stringMatching(/^Remove b\.gguf \(.*\) or a\.gguf/),
    });
  });
});
