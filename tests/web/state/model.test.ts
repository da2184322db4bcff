// The model's life: found, asked for, downloaded, cancelled, failed, ready.
import { describe, expect, it } from "vitest";
import { Model } from "../../../web/state/model.svelte.ts";
import type { ModelInfo } from "../../../workers/engine/base/wire.ts";
import { Settings } from "../../../web/state/settings.svelte.ts";
import { ENTRY, EngineDouble, type Script } from "../double.ts";
import { memoryStore } from "./memory-store.ts";

function build(script: Partial<Script> = {}): { model: Model; engine: EngineDouble; settings: Settings } {
  const engine = new EngineDouble(script);
  const settings = new Settings(memoryStore());
  return { model: new Model(engine, settings), engine, settings };
}

describe("the model", () => {
  it("waits for a tap before it downloads anything", async () => {
    const { model, engine } = build();
    await model.start();
    expect(model.phase).toBe("choosing");
    expect(model.missingBytes).toBe(ENTRY.sizeBytes);
    expect(engine.storedBytes).toBe(0);
    await model.load();
    expect(model.phase).toBe("ready");
    expect(model.info?.name).toBe("SmolLM2 135M Instruct");
  });

  it("is loaded at once where it is stored", async () => {
    const { model, settings } = build({ stored: true });
    await model.start();
    expect(model.phase).toBe("ready");
    expect(settings.recommended?.sampling.temperature).toBe(0.2);
    expect(settings.values.model).toBe(ENTRY.id);
  });

  it("is not loaded by itself after it crashed the tab twice, but is once", async () => {
    const once = build({ stored: true, crashes: 1 });
    await once.model.start();
    expect(once.model.phase).toBe("ready");
    const twice = build({ stored: true, crashes: 2 });
    await twice.model.start();
    expect(twice.model.phase).toBe("choosing");
    expect(twice.model.crashed).toBe(true);
    await twice.model.load();
    expect(twice.model.phase).toBe("ready");
  });

  it("goes back to the choice when its download is cancelled, and keeps what was fetched", async () => {
    const { model } = build({ downloadMs: 400 });
    await model.start();
    const loading = model.load();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(model.phase).toBe("loading");
    expect(model.progress?.bytesPerSecond).toBeGreaterThan(0);
    model.cancel();
    await loading;
    expect(model.phase).toBe("choosing");
    expect(model.error).toBeNull();
    expect(model.missingBytes).toBeLessThan(ENTRY.sizeBytes);
    expect(model.missingBytes).toBeGreaterThan(0);
  });

  it.each(["catalogue", "preview", "load"] as const)("says what failed at %s, and comes back when asked again", async (at) => {
    const { model } = build({ stored: true, failures: [{ at, code: "network" }] });
    await model.start();
    expect(model.phase).toBe("failed");
    expect(model.error).toMatchObject({ code: "network", hint: expect.stringContaining("kept") });
    await model.retry();
    expect(model.phase).toBe("ready");
  });

  it("loads a file from disk without a tap and without remembering it", async () => {
    const { model, settings } = build();
    await model.start();
    await model.choose([new File(["GGUF"], "mine.gguf")]);
    expect(model.phase).toBe("ready");
    expect(settings.values.model).toBeNull();
  });

  it("gives itself to who waited, and tells them why where it can't", async () => {
    const { model } = build({ stored: true });
    const waiting = model.whenReady(new AbortController().signal);
    await model.start();
    expect((await waiting).info.id).toBe(ENTRY.id);

    const failing = build({ stored: true, failures: [{ at: "load", code: "out_of_memory" }] }).model;
    const refused = expect(failing.whenReady(new AbortController().signal)).rejects.toMatchObject({ code: "out_of_memory" });
    await failing.start();
    await refused;
  });

  it("lets go of who no longer waits", async () => {
    const { model } = build();
    const controller = new AbortController();
    const waiting = expect(model.whenReady(controller.signal)).rejects.toMatchObject({ code: "aborted" });
    controller.abort();
    await waiting;
  });

  it("lets the last choice win", async () => {
    const { model } = build({ downloadMs: 300 });
    await model.start();
    const first = model.load();
    await model.choose([new File(["GGUF"], "mine.gguf")]);
    await first;
    expect(model.preview?.name).toBe("mine.gguf");
    expect(model.phase).toBe("ready");
  });
});

describe("a model that another tab has in memory", () => {
  it("is used as it is, whatever the settings would load", async () => {
    const { model, engine } = build();
    engine.running = "other-model";
    await model.start();
    expect([model.phase, model.choice, model.elsewhere]).toEqual(["ready", "other-model", true]);
  });

  it("is on its way again when that tab goes, and may turn out to run here", async () => {
    const { model, engine } = build();
    engine.running = ENTRY.id;
    await model.start();
    engine.onChange!({ kind: "lost" });
    expect(model.phase).toBe("loading");
    engine.onChange!({ kind: "ready", info: model.info!, elsewhere: false });
    expect([model.phase, model.elsewhere]).toEqual(["ready", false]);
  });

  it("is no longer waited for when that is cancelled", async () => {
    const { model, engine } = build();
    engine.running = ENTRY.id;
    await model.start();
    const heard = engine.onChange!;
    heard({ kind: "lost" });
    model.cancel();
    await Promise.resolve();
    heard({ kind: "ready", info: await infoOf(engine), elsewhere: false });
    expect([model.phase, model.cria]).toEqual(["choosing", null]);
  });

  it("says why it can't come back", async () => {
    const { model, engine } = build({ stored: true });
    await model.start();
    engine.onChange!({ kind: "lost" });
    engine.onChange!({ kind: "failed", error: { code: "crashed_before", message: "It crashed.", hint: "" } });
    expect([model.phase, model.error?.code]).toEqual(["failed", "crashed_before"]);
  });

  it("is taken over where another tab chose another one, and asked for again where nothing is left", async () => {
    const { model, engine } = build({ stored: true });
    await model.start();
    engine.running = "other-model";
    engine.onChange!({ kind: "ended", reason: "replaced", by: "Other" });
    expect(model.phase).toBe("loading");
    await expect.poll(() => model.phase).toBe("ready");
    expect(model.choice).toBe("other-model");
    engine.running = null;
    engine.onChange!({ kind: "ended", reason: "unloaded", by: null });
    await expect.poll(() => model.phase).toBe("choosing");
    expect(model.cria).toBeNull();
  });
});

async function infoOf(engine: EngineDouble): Promise<ModelInfo> {
  return (await engine.load({ model: ENTRY.id })).info;
}
