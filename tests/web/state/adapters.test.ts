// The adapters of the model that is loaded: kept with it, brought back with it, applied to the next answer.
import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { listAdapters, removeAdapters } from "../../../web/lib/adapters.ts";
import { Evaluation } from "../../../web/state/evaluation.svelte.ts";
import { App } from "../../../web/state/app.svelte.ts";
import { EngineDouble, ENTRY } from "../double.ts";

// jsdom's files are its own, and nothing but jsdom can clone them.
vi.stubGlobal("structuredClone", (value: unknown) => value);
beforeEach(removeAdapters);

async function started(double = new EngineDouble({ stored: true })): Promise<{ app: App; double: EngineDouble }> {
  const app = new App(double, null, null, null);
  await app.model.start();
  return { app, double };
}

const file = (name: string): File => new File(["weights"], name);

describe("adapters", () => {
  it("are applied to the next answer, as strongly as they are set, while they are on", async () => {
    const { app, double } = await started();
    await app.adapters.take([file("lora.gguf")]);
    const [adapter] = app.adapters.kept;
    await app.chat.ask("Hello");
    expect(double.requests.at(-1)).toMatchObject({ adapters: [{ id: adapter!.id, scale: 1 }] });
    await app.adapters.set(adapter!.id, { scale: 0.5 });
    await app.chat.ask("Hello");
    expect(double.requests.at(-1)).toMatchObject({ adapters: [{ id: adapter!.id, scale: 0.5 }] });
    await app.adapters.set(adapter!.id, { on: false });
    await app.chat.ask("Hello");
    expect(double.requests.at(-1)).not.toHaveProperty("adapters");
  });

  it("come back with their model after a reload, as they were", async () => {
    const { app } = await started();
    await app.adapters.take([file("prompt.pth")]);
    await app.adapters.setGate(app.adapters.kept[0]!.id, "tanh");
    const { app: later } = await started();
    expect(await later.adapters.uses(later.model.cria!)).toEqual([{ id: app.adapters.kept[0]!.id, scale: 1 }]);
    expect(later.adapters.infos).toMatchObject([{ kind: "prompt", gate: "tanh" }]);
    expect(await listAdapters("another")).toEqual([]);
  });

  it("leave memory and store when they are removed", async () => {
    const { app, double } = await started();
    await app.adapters.take("https://example.org/folder/adapter_model.safetensors");
    expect(app.adapters.kept.map(({ name }) => name)).toEqual(["folder"]);
    await app.adapters.remove(app.adapters.kept[0]!.id);
    expect([double.adapters.loaded.size, await listAdapters(ENTRY.id)]).toEqual([0, []]);
  });

  it("of another model are refused, and not kept", async () => {
    const { app } = await started();
    await app.adapters.take([file("other.gguf")]);
    expect(app.adapters.error?.message).toContain("does not fit");
    expect([app.adapters.kept, app.adapters.mergeable]).toEqual([[], null]);
  });

  it("make another model of theirs where models are judged", async () => {
    const { app } = await started();
    const evaluation = new Evaluation(app.model, app.adapters);
    const content = '{"question": "Two and two?", "choices": ["three", "four"], "answer": 1}\n';
    const task = { task: { name: "sums.jsonl", content }, examples: null };
    const wishes = { normalization: "characters", shots: 0, limit: null, window: 512, keeps: false, against: null } as const;
    await evaluation.start(task, wishes);
    await app.adapters.take([file("lora.gguf")]);
    await app.adapters.set(app.adapters.kept[0]!.id, { scale: 0.5 });
    await evaluation.start(task, wishes);
    expect(evaluation.error).toBeNull();
    expect(evaluation.runs.map(({ model }) => model.name).sort()).toEqual([ENTRY.name, `${ENTRY.name} with lora at 0.5`]);
  });

  it("that change every weight are to be merged", async () => {
    const { app } = await started();
    await app.adapters.take([file("tuning.pth")]);
    expect(app.adapters.mergeable).toMatchObject({ name: "tuning", format: "LLaMA-Adapter V2" });
    expect(app.adapters.kept).toEqual([]);
  });
});
