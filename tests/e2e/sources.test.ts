// Every way a model comes into the store and out of it, in Chromium: split files, a hub, tokens, files from disk, exports, full disks.
import { rmSync } from "node:fs";
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SHARD_BYTES } from "../../workers/engine/base/source.ts";
import { splitGguf } from "../golden/gguf-split.ts";
import { createHub, type Hub, type HubOptions, type Mishap } from "../golden/hub.ts";
import { listen, openChromium, servePlainly, type AppServer, type TestBrowser } from "./browser.ts";
import { buildFixture } from "./fixture/build.ts";
import { exported, ISOLATED, keep, MODEL, openFixture } from "./fixture/models.ts";
import type { Fixture } from "./fixture/page.ts";

declare const window: Window & { readonly fixture: Fixture };

const TOKEN = "hf_test";

let fixture: string;
let parts: Uint8Array<ArrayBuffer>[];
let app: AppServer;
let hub: Hub & AppServer;
let cdn: Hub & AppServer;
let chromium: TestBrowser;
let schedule: (range: string, tries: number) => Mishap;

beforeAll(async () => {
  fixture = await buildFixture("sources");
  parts = await splitGguf(MODEL, 3);
});
afterAll(() => rmSync(fixture, { recursive: true, force: true }));

beforeEach(async () => {
  schedule = () => "right";
  app = await servePlainly(() => fixture, ISOLATED);
  cdn = await startHub({ schedule: (range, tries) => schedule(range, tries) });
  hub = await startHub({ token: TOKEN, cdn: cdn.url, schedule: (range, tries) => schedule(range, tries) });
  chromium = await openChromium();
});
afterEach(async () => {
  await chromium.close();
  await Promise.all([app, hub, cdn].map((server) => server.close()));
});

describe("a split model", () => {
  it("comes from the address of any part, is one entry, and goes out as one file", async () => {
    const page = await openPage();
    expect(await download(page, `${hub.url}split-00002-of-00003.gguf`)).toMatchObject({
      name: "split.gguf",
      parts: 3,
      complete: true,
      sizeBytes: parts.reduce((sum, { length }) => sum + length, 0),
    });
    expect(await page.evaluate(() => window.fixture.store.listModels())).toHaveLength(1);
    expect(await exported(page, `${hub.url}split-00001-of-00003.gguf`, `${hub.url}model.gguf`)).toMatchObject({ same: true });
  });

  it("says which part is missing on the server, and goes on where it was stopped", async () => {
    const page = await openPage();
    const missing = await download(page, `${hub.url}split-00001-of-00004.gguf`);
    expect(missing).toMatchObject({ error: { code: "not_found" } });
    schedule = stallAfter(10);
    const stopped = download(page, `${hub.url}split-00001-of-00003.gguf`, {}, 2 * SHARD_BYTES);
    expect(await stopped).toMatchObject({ error: { code: "aborted" } });
    const [model] = await page.evaluate(() => window.fixture.store.listModels());
    schedule = () => "right";
    hub.log.length = 0;
    expect(await download(page, `${hub.url}split-00001-of-00003.gguf`)).toMatchObject({ complete: true });
    expect(sentBytes(hub)).toBeLessThan(model!.sizeBytes - model!.storedBytes + 4 * 2 ** 20);
  });
});

describe("a hub", () => {
  it("lists a repository's models, and gives one by its quantization, checked against its published hash", async () => {
    const page = await openPage();
    const offer = await page.evaluate((hub) => window.fixture.client.lookAt("me/tiny", { hub }), hub.url);
    expect(offer).toMatchObject({
      kind: "repository",
      repository: { repository: "me/tiny", revisions: ["main", "v1.0"], gated: false, licence: "apache-2.0" },
    });
    const models = offer.kind === "repository" ? offer.repository.models : [];
    expect(models.map(({ quantization, parts, hashed, storedBytes }) => [quantization, parts, hashed, storedBytes])).toEqual([
      ["Q8_0", 1, true, 0],
      ["F16", 3, true, 0],
    ]);
    expect(await download(page, "me/tiny:Q8_0", { hub: hub.url })).toMatchObject({
      complete: true,
      verified: true,
      quantization: "Q8_0",
    });
    expect(await download(page, "me/tiny:F16", { hub: hub.url })).toMatchObject({ complete: true, verified: true, parts: 3 });
    // The second time nobody is asked.
    await hub.close();
    expect(await download(page, "me/tiny:Q8_0", { hub: hub.url })).toMatchObject({ complete: true });
  });

  it("gets its token, and the host that it redirects to doesn't", async () => {
    const page = await openPage();
    const refused = await download(page, "gated/tiny:Q8_0", { hub: hub.url });
    expect(refused).toMatchObject({ error: { code: "unauthorized", hint: expect.stringContaining("access token") } });
    const wrong = await download(page, "gated/tiny:Q8_0", { hub: hub.url, token: "hf_wrong" });
    expect(wrong).toMatchObject({ error: { code: "unauthorized", message: expect.stringContaining("owner of this token") } });
    await page.evaluate((origin, token) => window.fixture.client.keepToken(origin, token), new URL(hub.url).origin, TOKEN);
    expect(await download(page, "gated/tiny:Q8_0", { hub: hub.url })).toMatchObject({ complete: true, verified: true });
    expect(new Set(cdn.log.map(({ token }) => token))).toEqual(new Set([""]));
    expect(await page.evaluate(() => window.fixture.client.tokenOrigins())).toEqual([new URL(hub.url).origin]);
  });

  it("is believed when it says that there is no such repository, revision or quantization", async () => {
    const page = await openPage();
    const codeOf = async (address: string): Promise<unknown> => download(page, address, { hub: hub.url });
    expect(await codeOf("me/tiny@v9:Q8_0")).toMatchObject({ error: { code: "not_found" } });
    expect(await codeOf("me/tiny:Q2_K")).toMatchObject({ error: { code: "not_found", hint: "It has: Q8_0, F16." } });
    expect(await codeOf("me/nothing")).toMatchObject({
      error: { code: "not_found", message: expect.stringContaining("no GGUF") },
    });
  });
});

describe("a host that cannot help", () => {
  it("is told apart: no CORS, no ranges, no model", async () => {
    const page = await openPage();
    const closed = await startHub({ cors: false });
    expect(await download(page, `${closed.url}model.gguf`)).toMatchObject({
      error: { code: "cross_origin", hint: expect.stringContaining("open it from disk") },
    });
    await closed.close();
    const whole = await startHub({ schedule: () => "whole" });
    expect(await download(page, `${whole.url}model.gguf`)).toMatchObject({
      error: { code: "no_ranges", hint: expect.stringContaining("open it from disk") },
    });
    await whole.close();
    expect(await download(page, `${hub.url}page.gguf`)).toMatchObject({
      error: { code: "not_gguf", message: expect.stringContaining("a web page") },
    });
    expect(await page.evaluate(() => window.fixture.store.listModels())).toEqual([]);
  });
});

describe("a file from disk", () => {
  it("is copied, whole or in parts, goes out again the same, and stays when its copy is made twice", async () => {
    const page = await openPage();
    const one = await keep(page, hub.url, ["model.gguf"]);
    expect(one).toMatchObject({ name: "model.gguf", origin: "file", complete: true, sizeBytes: MODEL.length });
    expect(await keep(page, hub.url, ["model.gguf"])).toMatchObject({ id: "id" in one ? one.id : "" });
    expect(await exported(page, "id" in one ? String(one.id) : "", `${hub.url}model.gguf`)).toMatchObject({
      same: true,
      gathered: true,
    });
    const split = await keep(page, hub.url, [
      "split-00003-of-00003.gguf",
      "split-00001-of-00003.gguf",
      "split-00002-of-00003.gguf",
    ]);
    expect(split).toMatchObject({ name: "split.gguf", parts: 1, complete: true });
    expect(await keep(page, hub.url, ["split-00001-of-00003.gguf"])).toMatchObject({
      error: { code: "bad_file", message: expect.stringContaining("part 2, 3") },
    });
  });
});

describe("a full disk", () => {
  it("names what could be removed, and the download goes on when it was", async () => {
    const page = await openPage();
    const devtools = await page.createCDPSession();
    const origin = new URL(app.url).origin;
    // Before anything is stored: Chromium remembers for a while how much room there was.
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: MODEL.length + 3 * SHARD_BYTES });
    await keep(page, hub.url, ["model.gguf"]);
    const [kept] = await page.evaluate(() => window.fixture.store.listModels());
    const full = await download(page, `${hub.url}other.gguf`);
    expect(full).toMatchObject({ error: { code: "disk_full", hint: expect.stringMatching(/Remove model\.gguf \(0\.08 GB\)/) } });
    await page.evaluate((id) => window.fixture.store.removeModel(id), kept!.id);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    expect(await download(page, `${hub.url}other.gguf`)).toMatchObject({ complete: true });
  });
});

async function startHub(options: HubOptions): Promise<Hub & AppServer> {
  const named = (bytes: Uint8Array): { bytes: Uint8Array; etag: string } => ({ bytes, etag: '"1"' });
  const files = {
    "model.gguf": named(MODEL),
    "other.gguf": named(MODEL),
    "page.gguf": named(Buffer.from("<!doctype html><p>Please log in to go on.")),
    "me/tiny/resolve/main/tiny.Q8_0.gguf": named(MODEL.slice()),
    "gated/tiny/resolve/main/tiny.Q8_0.gguf": named(MODEL),
    "me/nothing/resolve/main/README.md": named(Buffer.from("# Nothing")),
    ...Object.fromEntries(parts.map((bytes, i) => [`split-0000${i + 1}-of-00003.gguf`, named(bytes)])),
    ...Object.fromEntries(parts.map((bytes, i) => [`me/tiny/resolve/main/tiny.F16-0000${i + 1}-of-00003.gguf`, named(bytes)])),
  };
  const { server, log } = createHub(files, options);
  return { server, log, ...(await listen(server)) };
}

function openPage(): Promise<Page> {
  return openFixture(chromium.browser, app.url);
}

/** Downloads a model; stops when so much has arrived. */
function download(
  page: Page,
  address: string,
  access: { hub?: string; token?: string } = {},
  stopAt = Infinity,
): Promise<object> {
  return page.evaluate(
    async (address, access, stopAt) => {
      const stop = new AbortController();
      const onProgress = ({ doneBytes }: { doneBytes: number }): void => void (doneBytes >= stopAt && stop.abort());
      try {
        return await window.fixture.client.downloadModel(address, { ...access, signal: stop.signal, onProgress });
      } catch (error) {
        const { code, message, hint } = error as { code: string; message: string; hint: string };
        return { error: { code, message, hint } };
      }
    },
    address,
    access,
    stopAt,
  );
}

function sentBytes({ log }: Hub): number {
  return log.reduce((sum, entry) => sum + entry.sentBytes, 0);
}

/** The first answers are right, all later ones fall silent. */
function stallAfter(count: number): () => Mishap {
  let answers = 0;
  return () => (++answers > count ? "stall" : "right");
}
