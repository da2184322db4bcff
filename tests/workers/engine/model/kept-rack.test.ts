// What a session read under one choice of adapters is forgotten under another, and only then.
import { describe, expect, it } from "vitest";
import type { Applied } from "../../../../workers/engine/base/adapter.ts";
import { KeptRack } from "../../../../workers/engine/model/kept-rack.ts";

describe("the adapters of a session", () => {
  const heard: string[] = [];
  const used: (readonly Applied[])[] = [];
  const rack = new KeptRack(
    {
      add: () => Promise.resolve(1),
      remove: (adapter) => heard.push(`removed ${adapter}`),
      use: (applied) => used.push(applied),
    },
    () => heard.push("forgotten"),
  );
  const said = (): string[] => heard.splice(0);

  it("are none at first, and none again changes nothing", () => {
    rack.use([]);
    rack.use([{ adapter: 1, scale: 0 }]);
    expect([said(), rack.choice, used]).toEqual([[], "", []]);
  });

  it("make the session forget where another one or another strength is chosen", () => {
    rack.use([{ adapter: 1, scale: 1 }]);
    expect(said()).toEqual(["forgotten"]);
    rack.use([{ adapter: 1, scale: 0.5 }]);
    expect(said()).toEqual(["forgotten"]);
  });

  it("are the same choice in any order", () => {
    const [one, two] = [
      { adapter: 1, scale: 1 },
      { adapter: 2, scale: 0.5 },
    ];
    rack.use([one, two]);
    said();
    rack.use([two, one, { adapter: 3, scale: 0 }]);
    expect(said()).toEqual([]);
  });

  it("are out of use before they are removed", () => {
    rack.remove(1);
    expect(said()).toEqual(["forgotten", "removed 1"]);
    expect(used.at(-1)).toEqual([{ adapter: 2, scale: 0.5 }]);
    rack.remove(7);
    expect(said()).toEqual(["removed 7"]);
  });
});
