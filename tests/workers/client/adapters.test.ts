// The adapters of a model at the page's side: known there, so that they come back with the model.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ModelAdapters, type CallModel } from "../../../workers/client/adapters.ts";
import type { AdapterRequest } from "../../../workers/engine/base/adapters.ts";

/** An engine that writes down what it is asked for. */
function engine(): { call: CallModel; added: AdapterRequest[]; removed: string[] } {
  const added: AdapterRequest[] = [];
  const removed: string[] = [];
  const api = {
    addAdapter: (_: number, __: number, request: AdapterRequest) => {
      added.push(request);
      return Promise.resolve({ value: { id: request.id ?? "named-by-its-file" } });
    },
    removeAdapter: (_: number, id: string) => Promise.resolve({ value: (removed.push(id), null) }),
  };
  const call = async (_: unknown, work: (on: typeof api, job: number, model: number) => Promise<{ value: unknown }>) =>
    (await work(api, 1, 1)).value;
  return { call: call as unknown as CallModel, added, removed };
}

describe("the adapters of a model", () => {
  beforeAll(() => vi.stubGlobal("document", { baseURI: "https://app.example/" }));
  afterAll(() => vi.unstubAllGlobals());

  it("come back under their names where the model comes back elsewhere, those that were removed do not", async () => {
    const here = engine();
    const adapters = new ModelAdapters(here.call);
    await adapters.load("https://host.example/tales/adapter_model.bin");
    await adapters.load(["https://host.example/a.gguf"], { id: "b", gate: "tanh" });
    await adapters.load("owner/repository", { id: "c" });
    await adapters.remove("c");
    const there = engine();
    await adapters.restore(there.call);
    expect(here.removed).toEqual(["c"]);
    expect(there.added).toEqual([
      { files: ["https://host.example/tales/adapter_model.bin"], id: "named-by-its-file" },
      { files: ["https://host.example/a.gguf"], id: "b", gate: "tanh" },
    ]);
  });
});
