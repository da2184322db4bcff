// Deaths in a row: what is counted as one, what is not, and when a model is refused.
import { beforeEach, describe, expect, it, vi } from "vitest";
import "./setup.ts";
import { crashesOf, forgiveWork, markWork, refuseAfterCrashes } from "../../../workers/store/crashes.ts";
import { wipe } from "../../../workers/store/models.ts";

/** Locks as the browser has them; `die` lets go of all of them, as a tab does. */
const held = new Set<string>();
const die = (): void => held.clear();
vi.stubGlobal("navigator", {
  locks: {
    request: async (name: string, work: () => Promise<void>) => {
      held.add(name);
      await work();
      held.delete(name);
    },
    query: async () => ({ held: [...held].map((name) => ({ name })), pending: [] }),
  },
});

beforeEach(async () => {
  await wipe();
  die();
});

describe("a model that is being loaded", () => {
  it("has no crash while its tab lives, one when it died, two when it died again", async () => {
    await markWork("m");
    expect(await crashesOf("m")).toBe(0);
    die();
    expect(await crashesOf("m")).toBe(1);
    await markWork("m");
    die();
    expect(await crashesOf("m")).toBe(2);
    expect(await crashesOf("another")).toBe(0);
  });

  it("has none once it went well", async () => {
    await markWork("m");
    die();
    const done = await markWork("m");
    await done();
    die();
    expect(await crashesOf("m")).toBe(0);
  });

  it("keeps earlier ones when its tab is closed", async () => {
    await markWork("m");
    die();
    await markWork("m");
    await forgiveWork();
    die();
    expect(await crashesOf("m")).toBe(1);
  });

  it("is refused after two", async () => {
    await refuseAfterCrashes("m", "Model");
    for (let time = 0; time < 2; time++) {
      await markWork("m");
      die();
    }
    await expect(refuseAfterCrashes("m", "Model")).rejects.toMatchObject({
      code: "crashed_before",
      message: /2 times in a row while Model/,
    });
  });
});
