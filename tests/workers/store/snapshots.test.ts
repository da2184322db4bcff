import { beforeEach, describe, expect, it } from "vitest";
import { noise } from "./setup.ts";
import type { KeptConversation } from "../../../workers/engine/base/host.ts";
import {
  forgetAllReadings,
  forgetConversation,
  forgetReadings,
  readingsBytes,
  snapshots,
} from "../../../workers/store/snapshots.ts";

const MB = 2 ** 20;

const kept = (conversation: string, names: readonly string[], model = "tiny", blockBytes = 1000): KeptConversation => ({
  conversation,
  model,
  names,
  blockBytes,
});

const blocks = (...names: string[]): Map<string, Uint8Array> =>
  new Map(names.map((name, index) => [name, noise(1000, index + name.length)]));

beforeEach(forgetAllReadings);

describe("what models have read", () => {
  it("comes back as it was, up to the first block that is missing", async () => {
    await snapshots.keep(kept("llamas", ["a", "b", "d"]), blocks("a", "b", "d"));
    expect(await snapshots.find(["a", "b", "c", "d"])).toEqual([noise(1000, 1), noise(1000, 2)]);
    expect(await snapshots.known(["a", "c", "d"])).toEqual(new Set(["a", "d"]));
    expect(await readingsBytes()).toBe(3000);
  });

  it("is shared by conversations that begin alike, and goes with the last of them", async () => {
    await snapshots.keep(kept("one", ["a", "b"]), blocks("a", "b"));
    await snapshots.keep(kept("two", ["a", "c"]), blocks("c"));
    expect(await readingsBytes()).toBe(3000);
    await forgetConversation("one");
    expect(await snapshots.known(["a", "b", "c"])).toEqual(new Set(["a", "c"]));
    await forgetConversation("two");
    expect(await snapshots.known(["a", "b", "c"])).toEqual(new Set());
  });

  it("makes way for what the conversation has become", async () => {
    await snapshots.keep(kept("one", ["a", "b"]), blocks("a", "b"));
    await snapshots.keep(kept("one", ["a", "c"]), blocks("c"));
    expect(await snapshots.known(["a", "b", "c"])).toEqual(new Set(["a", "c"]));
  });

  it("goes with its model", async () => {
    await snapshots.keep(kept("one", ["a"], "tiny"), blocks("a"));
    await snapshots.keep(kept("one", ["b"], "other"), blocks("b"));
    await forgetReadings("tiny");
    expect(await snapshots.known(["a", "b"])).toEqual(new Set(["b"]));
  });

  it("takes a fifth of the free room at most: what was used longest ago goes first, what is larger is not kept", async () => {
    // 500 MB are free in these tests. The sizes are what the records say; the blocks are small.
    await snapshots.keep(kept("one", ["a"], "tiny", 60 * MB), blocks("a"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await snapshots.keep(kept("two", ["b"], "tiny", 30 * MB), blocks("b"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await snapshots.keep(kept("three", ["c"], "tiny", 30 * MB), blocks("c"));
    expect(await snapshots.known(["a", "b", "c"])).toEqual(new Set(["b", "c"]));
    await snapshots.keep(kept("four", ["d"], "tiny", 200 * MB), blocks("d"));
    expect(await snapshots.known(["b", "c", "d"])).toEqual(new Set(["b", "c"]));
  });
});
