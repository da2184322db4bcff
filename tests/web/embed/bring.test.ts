// A model is copied from one store to another, so that what breaks off can go on. Names are those of the engine's own store.
import "fake-indexeddb/auto";
import { createStore, entries, set } from "idb-keyval";
import { describe, expect, it } from "vitest";
import { copyModel } from "../../../web/embed/bring.ts";
import { weights } from "../../../workers/store/database.ts";
import { recordKey } from "../../../workers/store/records.ts";

describe("bringing a model in", () => {
  it("copies its record first and each check after its piece, and nothing of other models", async () => {
    const theirs = createStore("theirs", "keyval");
    const order: string[] = [];
    for (const key of [
      recordKey("a"),
      ["check", "a", 0],
      ["shard", "a", 0],
      ["shard", "a", 1],
      ["check", "a", 1],
      recordKey("b"),
    ])
      await set(key, `value of ${String(key)}`, theirs);
    const mine: typeof weights = (mode, use) =>
      weights(mode, (store) => {
        const put = store.put.bind(store);
        store.put = (value, key) => (order.push(String(key)), put(value, key));
        return use(store);
      });
    const shares: number[] = [];
    expect(await copyModel("a", theirs, mine, (share) => shares.push(share))).toBe("brought");
    expect(order).toEqual(["model,a", "shard,a,0", "shard,a,1", "check,a,0", "check,a,1"]);
    expect(shares).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    expect(new Map(await entries(weights)).size).toBe(5);
  });

  it("copies the files of a split model with it", async () => {
    const theirs = createStore("split", "keyval");
    await set(recordKey("whole"), { parts: ["part-1", "part-2"] }, theirs);
    for (const part of ["part-1", "part-2"]) {
      await set(recordKey(part), { partOf: "whole" }, theirs);
      await set(["shard", part, 0], part, theirs);
    }
    const mine = createStore("mine", "keyval");
    expect(await copyModel("whole", theirs, mine, () => undefined)).toBe("brought");
    expect((await entries(mine)).length).toBe(5);
  });

  it("says so where the model is not there", async () => {
    expect(await copyModel("c", createStore("theirs", "keyval"), weights, () => undefined)).toBe("missing");
  });
});
