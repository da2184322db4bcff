// Adapters beside a loaded model: under which names, told to the backend with which strengths, refused with which reasons.
import { describe, expect, it } from "vitest";
import { AdapterDesk } from "../../../workers/engine/adapter-desk.ts";
import { adapterUses } from "../../../workers/engine/adapter-uses.ts";
import type { Adapter, Applied } from "../../../workers/engine/base/adapter.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { GOLDEN } from "../../golden/models.ts";
import { golden } from "./adapters/golden.ts";
import { nodeHost } from "./node-host.ts";

describe.skipIf(GOLDEN === null)("the adapters of a model", async () => {
  const model = GOLDEN ? await readModelFile(golden("stories260K.f32.gguf")[0]!) : null;
  const lora = ["lora-peft/adapter_config.json", "lora-peft/adapter_model.safetensors"];

  function desk(): { desk: AdapterDesk; held: Map<number, Adapter>; used: (readonly Applied[])[] } {
    const held = new Map<number, Adapter>();
    const used: (readonly Applied[])[] = [];
    let last = 0;
    const rack = {
      add: (adapter: Adapter) => (held.set(++last, adapter), Promise.resolve(last)),
      remove: (adapter: number) => void held.delete(adapter),
      use: (applied: readonly Applied[]) => void used.push(applied),
    };
    return { desk: new AdapterDesk(nodeHost(), model!, rack), held, used };
  }

  it("say what they are", async () => {
    const { desk: here } = desk();
    const info = await here.add({ id: "story", files: golden(...lora), gate: null });
    expect(info).toEqual({
      id: "story",
      kind: "lora",
      format: "PEFT’s LoRA, safetensors",
      rank: 8,
      targets: ["ffn_down", "ffn_gate", "ffn_up", "attn_k", "attn_output", "attn_q", "attn_v"],
      layers: 5,
      promptLength: null,
      gate: null,
      sizeBytes: 4 * 8 * 5 * (172 + 64 + 2 * (64 + 172) + (64 + 32) * 2 + (64 + 64) * 2),
    });
    const prompt = await here.add({ id: null, files: golden("llama_adapter_len10_layer3.pth"), gate: "tanh" });
    expect(prompt).toMatchObject({ id: "llama_adapter_len10_layer3", kind: "prompt", promptLength: 10, layers: 3, gate: "tanh" });
    expect(here.list.map(({ id }) => id)).toEqual(["story", "llama_adapter_len10_layer3"]);
  });

  it("go to the backend by number, as strong as the request says", async () => {
    const { desk: here, used } = desk();
    await here.add({ id: "a", files: golden(...lora), gate: null });
    await here.add({ id: "b", files: golden("stories260K.lora.f32.gguf"), gate: null });
    here.use(adapterUses([{ id: "b", scale: 0.25 }, { id: "a" }]));
    expect(used.at(-1)).toEqual([
      { adapter: 2, scale: 0.25 },
      { adapter: 1, scale: 1 },
    ]);
  });

  it("make way for one of the same name, and leave when they are removed", async () => {
    const { desk: here, held } = desk();
    const files = golden("llama_adapter_len10_layer3.pth");
    await here.add({ id: "a", files, gate: "raw" });
    await here.add({ id: "a", files, gate: "tanh" });
    expect([...held.keys()]).toEqual([2]);
    here.remove("a");
    here.remove("unknown");
    expect([held.size, here.list]).toEqual([0, []]);
  });

  it("are refused by name where they are not loaded", () => {
    expect(() => desk().desk.applied([{ id: "x" }])).toThrow(/no adapter "x"/);
  });

  it("are refused where the backend takes none, and still looked at", async () => {
    const here = new AdapterDesk(nodeHost(), model!, null);
    await expect(here.add({ id: "a", files: golden(...lora), gate: null })).rejects.toThrow("This backend takes no adapters.");
    expect(await here.preview({ files: golden("chat_bias_scale_norm.pth"), gate: null })).toMatchObject({
      kind: "tuning",
      layers: 5,
    });
  });

  it("have to be merged where they scale every weight", async () => {
    const files = golden("chat_bias_scale_norm.pth");
    await expect(desk().desk.add({ id: "a", files, gate: null })).rejects.toThrow(/merged into the model/);
  });
});

describe("adapters of a request", () => {
  it.each<[unknown, RegExp]>([
    ["a", /must be a list/],
    [[{ scale: 1 }], /\[0\]\.id/],
    [[{ id: "a", scale: "1" }], /\[0\]\.scale/],
    [[{ id: "a", scale: 11 }], /-10 to 10/],
    [[{ id: "a", strength: 1 }], /strength/],
    [[{ id: "a" }, { id: "a" }], /twice/],
  ])("are refused: %j", (value, reason) => {
    expect(() => adapterUses(value)).toThrow(reason);
  });

  it("are none where nothing is said", () => {
    expect([adapterUses(undefined), adapterUses(null), adapterUses([])]).toEqual([[], [], []]);
  });
});
