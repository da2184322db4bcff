// The store and the service worker in Chromium: kills, full disks, two tabs, no network, hosts without headers, new versions.
import { createHash, randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SHARD_BYTES } from "../../workers/engine/base/source.ts";
import { createHub, type Hub, type Mishap } from "../golden/hub.ts";
import { listen, openChromium, servePlainly, type AppServer, type TestBrowser } from "./browser.ts";
import { buildFixture } from "./fixture/build.ts";
import type { Fixture } from "./fixture/page.ts";

declare const window: Window & { readonly fixture: Fixture };

const MODEL = randomBytes(5 * SHARD_BYTES + 1000);
const SHA256 = createHash("sha256").update(MODEL).digest("hex");
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

let first: string;
let second: string;
let served: string;
let app: AppServer;
let hub: Hub & AppServer;
let chromium: TestBrowser;
/** What becomes of the hub's next answers. */
let schedule: (range: string, tries: number) => Mishap;

beforeAll(async () => {
  first = await buildFixture("version one");
  second = await buildFixture("version two");
});
afterAll(() => [first, second].forEach((folder) => rmSync(folder, { recursive: true, force: true })));

beforeEach(async () => {
  served = first;
  schedule = () => "right";
  app = await servePlainly(() => served, ISOLATED);
  const { server, log } = createHub(
    { "model.gguf": { bytes: MODEL, etag: '"1"' } },
    { schedule: (range, tries) => schedule(range, tries) },
  );
  const listening = await listen(server);
  hub = { server, log, ...listening, url: `${listening.url}model.gguf` };
  chromium = await openChromium();
});
afterEach(async () => {
  await chromium.close();
  await Promise.all([app.close(), hub.close()]);
});

describe("a download", () => {
  it("goes through the service worker, once for two tabs, and is whole", async () => {
    const [one, two] = [await openPage(), await openPage()];
    const results = await Promise.all([load(one), load(two)]);
    expect(results).toEqual([expect.objectContaining({ sha256: SHA256 }), expect.objectContaining({ sha256: SHA256 })]);
    expect(sentBytes()).toBeLessThanOrEqual(MODEL.length + 2); // two tabs asked for the length
  });

  it("costs at most the shards in flight when the browser is killed", async () => {
    schedule = stallAfter(4);
    const page = await openPage();
    void load(page).catch(() => undefined);
    await until(async () => (await page.evaluate(() => window.fixture.store.listModels()))[0]?.storedBytes === 3 * SHARD_BYTES);
    await chromium.kill();
    schedule = () => "right";
    hub.log.length = 0;
    chromium = await openChromium(chromium.profile);
    expect(await load(await openPage())).toMatchObject({ sha256: SHA256 });
    expect(sentBytes()).toBeLessThanOrEqual(MODEL.length - 3 * SHARD_BYTES + 1);
  });

  it.runIf(process.env["CRIA_LONG"])(
    "survives thirty kills at any moment, each at the cost of the shards in flight",
    { timeout: 900_000 },
    async () => {
      let page = await openPage();
      for (let kill = 0; kill < 30; kill++) {
        const loading = load(page).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, ((kill * 0.618) % 1) * 3000));
        await chromium.kill();
        await loading;
        chromium = await openChromium(chromium.profile);
        page = await openPage();
        const [model] = await page.evaluate(() => window.fixture.store.listModels());
        const again = sentBytes() - (model?.storedBytes ?? 0);
        expect(again).toBeLessThanOrEqual(4 * SHARD_BYTES + 2);
        hub.log.length = 0;
        if (model?.storedBytes === MODEL.length) await page.evaluate(() => window.fixture.store.wipe());
        else hub.log.push({ path: "", range: "", mishap: "right", sentBytes: model?.storedBytes ?? 0 }); // what the next kill may find
      }
      expect(await load(page)).toMatchObject({ sha256: SHA256 });
    },
  );

  it("works without a service worker, and asks the app's host for no shard then", async () => {
    const bare = mkdtempSync(join(tmpdir(), "cria-bare-"));
    cpSync(first, bare, { recursive: true });
    rmSync(join(bare, "sw.js"));
    served = bare;
    const page = await chromium.browser.newPage();
    const failed: string[] = [];
    page.on("console", (message) => void (message.type() === "error" && failed.push(message.location().url ?? message.text())));
    await page.goto(app.url);
    await page.waitForFunction(() => "fixture" in window);
    expect(await load(page)).toMatchObject({ sha256: SHA256 });
    expect(failed.filter((url) => url.includes("shards") || url.includes("catalogue"))).toEqual([]);
    rmSync(bare, { recursive: true });
  });

  it("waits for a slow host through the service worker, which browsers end when an event takes too long", async () => {
    schedule = (range) => (range.startsWith("bytes=0-1") ? "slow" : "right");
    const page = await openPage();
    expect(await load(page)).toMatchObject({ sha256: SHA256 });
    expect(sentBytes()).toBe(MODEL.length + 1);
  });

  it("stops with disk_full where the browser gives no more room, and goes on when it does", async () => {
    const page = await openPage();
    const devtools = await page.createCDPSession();
    const origin = new URL(app.url).origin;
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 3 * SHARD_BYTES });
    const full = await load(page);
    expect(full).toMatchObject({ error: { code: "disk_full", message: expect.stringMatching(/GB of about .* GB/) } });
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    expect(await load(page)).toMatchObject({ sha256: SHA256 });
  });

  it("says in words of ours that a host has no such file, and that one refuses other pages", async () => {
    const page = await openPage();
    expect(await load(page, hub.url.replace("model", "other"))).toMatchObject({ error: { code: "not_found" } });
    const closed = await listen(createHub({ "model.gguf": { bytes: MODEL, etag: '"1"' } }, { cors: false }).server);
    expect(await load(page, `${closed.url}model.gguf`)).toMatchObject({ error: { code: "cross_origin" } });
    await closed.close();
  });
});

describe("a second visit", () => {
  it("without a network opens the page and reads the weights", async () => {
    await load(await openPage());
    await Promise.all([app.close(), hub.close()]);
    const page = await openPage();
    expect(await load(page)).toMatchObject({ sha256: SHA256 });
  });
});

describe("a host that sends no headers", () => {
  it("gives an isolated page after one reload, and none after something was typed", async () => {
    await app.close();
    app = await servePlainly(() => served);
    const typed = await openPage("?typed");
    await typed.waitForFunction(() => navigator.serviceWorker.controller !== null);
    expect(await typed.evaluate(() => crossOriginIsolated)).toBe(false);
    await typed.close();
    const page = await openPage();
    await page.waitForFunction(() => crossOriginIsolated && "fixture" in window);
    expect(await page.evaluate(() => window.fixture.store.isolated())).toBe(true);
  });
});

describe("a new version", () => {
  it("waits until the page is idle, leaves an open tab its old files, and goes when that tab does", async () => {
    const old = await openPage();
    await load(old);
    await old.evaluate(() => window.fixture.setIdle(false));
    served = second;
    await old.evaluate(() => window.fixture.checkForUpdate());
    await old.waitForFunction(async () => (await navigator.serviceWorker.getRegistration())?.waiting !== null);
    await new Promise((resolve) => setTimeout(resolve, 6000)); // longer than the page's look at whether it is idle
    expect(await old.evaluate(() => window.fixture.isUpdated())).toBe(false);

    await old.evaluate(() => window.fixture.setIdle(true));
    await old.waitForFunction(() => window.fixture.isUpdated());
    expect(await old.evaluate(() => window.fixture.late())).toBe("late part of version one");
    const fresh = await openPage();
    expect(await fresh.evaluate(() => window.fixture.version)).toBe("version two");
    expect(await load(fresh)).toMatchObject({ sha256: SHA256 });
    expect(await shells(fresh)).toBe(2);

    await old.close();
    await fresh.reload();
    await until(async () => (await shells(fresh)) === 1);
    expect(await fresh.evaluate(() => window.fixture.late())).toBe("late part of version two");
  });
});

describe("a tab that died while a model was loading", () => {
  it("is counted, and one that was closed is not", async () => {
    for (const end of ["close", "crash", "crash"] as const) {
      const page = await openPage();
      await page.evaluate(() => window.fixture.store.mark("m"));
      if (end === "crash") await crash(page);
      await page.close();
    }
    const page = await openPage();
    expect(await page.evaluate(() => window.fixture.store.crashesOf("m"))).toBe(2);
  });
});

/** A page of the fixture that its service worker controls. */
async function openPage(query = ""): Promise<Page> {
  const page = await chromium.browser.newPage();
  await page.goto(app.url + query);
  await page.waitForFunction(() => "fixture" in window && navigator.serviceWorker.controller !== null);
  return page;
}

async function load(page: Page, url = hub.url, sha256: string | null = SHA256): Promise<object> {
  return page.evaluate((url, sha256) => window.fixture.store.load(url, sha256), url, sha256);
}

function sentBytes(): number {
  return hub.log.reduce((sum, entry) => sum + entry.sentBytes, 0);
}

/** The first answers are right, all later ones fall silent. */
function stallAfter(count: number): () => Mishap {
  let answers = 0;
  return () => (++answers > count ? "stall" : "right");
}

function shells(page: Page): Promise<number> {
  return page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("cria-shell-")).length);
}

async function crash(page: Page): Promise<void> {
  const crashed = new Promise((resolve) => page.once("error", resolve));
  const devtools = await page.createCDPSession();
  devtools.send("Page.crash").catch(() => undefined); // the answer never comes
  await crashed;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries === 200) throw new Error("It did not happen within 20 s.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
