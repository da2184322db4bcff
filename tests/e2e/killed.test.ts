// Chromium killed at random moments while it deletes, exports, copies or converts a model: nothing is corrupted, little is done again.
import { rmSync } from "node:fs";
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SHARD_BYTES } from "../../workers/engine/base/source.ts";
import { createHub, type Hub } from "../golden/hub.ts";
import { madeUpModel } from "../golden/publish/made-up.ts";
import { listen, openChromium, servePlainly, type AppServer, type TestBrowser } from "./browser.ts";
import { buildFixture } from "./fixture/build.ts";
import { exported, ISOLATED, keep, MODEL, openFixture } from "./fixture/models.ts";
import type { Fixture } from "./fixture/page.ts";

declare const window: Window & { readonly fixture: Fixture };

const LONG = process.env["CRIA_LONG"] !== undefined;
const CHECKPOINT = madeUpModel();
const CHECKPOINT_BYTES = Object.values(CHECKPOINT).reduce((sum, { length }) => sum + length, 0);

let fixture: string;
let app: AppServer;
let hub: Hub & AppServer;
let chromium: TestBrowser;

beforeAll(async () => {
  fixture = await buildFixture("killed");
});
afterAll(() => rmSync(fixture, { recursive: true, force: true }));

beforeEach(async () => {
  app = await servePlainly(() => fixture, ISOLATED);
  const files = { "model.gguf": MODEL, ...CHECKPOINT };
  const served = Object.entries(files).map(([name, bytes]) => [name, { bytes, etag: '"1"' }] as const);
  const { server, log } = createHub(Object.fromEntries(served), {});
  hub = { server, log, ...(await listen(server)) };
  chromium = await openChromium();
});
afterEach(async () => {
  await chromium.close();
  await Promise.all([app, hub].map((server) => server.close()));
});

/** What a person may be doing when the browser dies, and what has to be true afterwards. */
interface Work {
  /** Whether a model is there before. */
  readonly prepare: boolean;
  /** Longest time until the kill, in milliseconds. */
  readonly most: number;
  readonly begin: (page: Page, id: string) => Promise<unknown>;
  readonly after: (page: Page, id: string) => Promise<void>;
}

const KILLED: Record<string, Work> = {
  deleting: {
    prepare: true,
    most: 500,
    begin: (page, id) => page.evaluate((id) => window.fixture.store.removeModel(id), id),
    after: async (page) => {
      const [model] = await page.evaluate(() => window.fixture.store.listModels());
      if (model) expect(await whole(page, model.id)).toMatchObject({ same: true });
      else expect(await page.evaluate(() => window.fixture.store.keysLeft())).toBe(0);
    },
  },
  exporting: {
    prepare: true,
    most: 500,
    begin: (page, id) => whole(page, id),
    after: async (page, id) => expect(await whole(page, id)).toMatchObject({ same: true }),
  },
  copying: {
    prepare: false,
    most: 500,
    begin: (page) => keep(page, hub.url, ["model.gguf"]),
    after: async (page) => expect(await keep(page, hub.url, ["model.gguf"])).toMatchObject({ complete: true }),
  },
  converting: {
    prepare: false,
    most: 2500,
    begin: (page) => converted(page),
    after: async (page) => {
      const resumed = await converted(page);
      // Both runs together read the weights once, and again what became of the shard that was being written.
      const read = hub.log.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
      expect(read).toBeLessThan(CHECKPOINT_BYTES + 2 * SHARD_BYTES);
      await page.evaluate(() => window.fixture.store.wipe());
      expect(resumed).toBe(await converted(page)); // as if nothing had happened
    },
  },
};

describe.each(Object.entries(KILLED))("a browser killed while %s a model", (_, { prepare, most, begin, after }) => {
  it("has corrupted nothing", { timeout: 900_000 }, async () => {
    for (let kill = 0; kill < (LONG ? 12 : 1); kill++) {
      let page = await openFixture(chromium.browser, app.url);
      const kept = prepare ? await keep(page, hub.url, ["model.gguf"]) : {};
      const id = "id" in kept ? String(kept.id) : "";
      hub.log.length = 0;
      const working = begin(page, id).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, ((0.3 + kill * 0.618) % 1) * most));
      await chromium.kill();
      await working;
      chromium = await openChromium(chromium.profile);
      page = await openFixture(chromium.browser, app.url);
      await after(page, id);
      await page.evaluate(() => window.fixture.store.wipe());
    }
  });
});

function whole(page: Page, id: string): Promise<object> {
  return exported(page, id, `${hub.url}model.gguf`);
}

/** Converts the checkpoint and gives the SHA-256 of the finished file. */
function converted(page: Page): Promise<string> {
  return page.evaluate(
    async (urls) => {
      const request = { files: urls, name: "made-up", target: "F16" };
      const { model } = await window.fixture.convert.convertCheckpoint(request);
      const blob = await window.fixture.client.gatherModel(model.id);
      const hash = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
      return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    },
    Object.keys(CHECKPOINT).map((name) => `${hub.url}${name}`),
  );
}
