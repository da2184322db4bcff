// Adapters over the wire: looked at, loaded, listed, applied, removed; refused with records.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApi } from "../../../workers/engine/api.ts";
import type { AdapterRequest } from "../../../workers/engine/base/adapters.ts";
import type { Reply, WorkerApi } from "../../../workers/engine/base/wire.ts";
import type { Library } from "../../../workers/engine/library.ts";
import { GOLDEN } from "../../golden/models.ts";
import { golden } from "./adapters/golden.ts";
import { nodeHost } from "./node-host.ts";

const LIBRARY: Library = {
  find: () =>
    Promise.resolve({
      id: "stories",
      name: null,
      source: golden("stories260K.f32.gguf")[0]!,
      defaults: null,
      download: null,
      refuseAfterCrashes: () => Promise.resolve(),
      markWork: () => Promise.resolve(() => Promise.resolve()),
    }),
  preview: () => Promise.reject(new Error("not here")),
  adapterFiles: ({ files }) => Promise.resolve(golden(...files.map(String))),
  catalogue: () => Promise.resolve([]),
  stored: () => Promise.resolve([]),
  remove: () => Promise.resolve(),
  removeEverything: () => Promise.resolve(),
};
const LORA = ["lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"];

describe.skipIf(GOLDEN === null)("adapters over the wire", () => {
  const api: WorkerApi = createApi(nodeHost({ threads: 1 }), LIBRARY);
  let model = 0;
  let job = 0;
  beforeAll(async () => {
    const request = { model: "stories", backend: "wasm", contextLength: 64, afterCrashes: false } as const;
    model = (await value(api.load(++job, request, { postMessage: () => undefined }))).model;
  });
  afterAll(() => api.unload(model));

  it("are looked at, loaded, listed and removed", async () => {
    expect(await value(api.previewAdapter(model, ++job, { files: LORA }))).toMatchObject({ kind: "lora", rank: 8 });
    expect(await value(api.adapters(model))).toEqual([]);
    const info = await value(api.addAdapter(model, ++job, { files: LORA, id: "tales" }));
    expect(await value(api.adapters(model))).toEqual([info]);
    const prompt = { prompt: [1, 403], max_tokens: 4, temperature: 0 };
    const plain = await value(api.complete(model, ++job, prompt));
    const adapted = await value(api.complete(model, ++job, { ...prompt, adapters: [{ id: "tales" }] }));
    expect(adapted.choices[0].text).not.toBe(plain.choices[0].text);
    await value(api.removeAdapter(model, "tales"));
    expect(await value(api.adapters(model))).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ["no files", { files: [] }, "bad_request"],
    ["a name that is none", { files: LORA, id: 7 }, "bad_request"],
    ["a reading that is none", { files: LORA, gate: "sigmoid" }, "bad_request"],
    ["half of PEFT's files", { files: LORA.slice(1) }, "bad_request"],
    ["a whole model", { files: ["stories260K.f32.gguf"] }, "bad_file"],
    ["scales and biases", { files: ["chat_bias_scale_norm.pth"] }, "bad_file"],
  ])("are refused: %s", async (_, request, code) => {
    const outcome = await api.addAdapter(model, ++job, request as AdapterRequest);
    expect(outcome).toMatchObject({ error: { code } });
  });

  it("that are not loaded are refused before anything is said", async () => {
    const outcome = await api.chat(model, ++job, { messages: [{ role: "user", content: "Hum" }], adapters: [{ id: "gone" }] });
    expect(outcome).toMatchObject({ error: { code: "bad_request", message: expect.stringContaining('no adapter "gone"') } });
  });
});

async function value<T>(reply: Promise<Reply<T>>): Promise<T> {
  const outcome = await reply;
  if ("error" in outcome) throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return outcome.value;
}
