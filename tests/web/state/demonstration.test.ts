import { describe, expect, it } from "vitest";
import { Demonstration } from "../../../web/state/demonstration.svelte.ts";
import type { Cria, LoadOptions } from "../../../workers/engine/base/cria.ts";
import { EngineError } from "../../../workers/engine/base/errors.ts";
import { EngineDouble } from "../double.ts";

const file = (): Promise<File> => Promise.resolve(new File(["GGUF"], "cria-builtin.gguf"));

/** An engine whose model tells one story, and what it was asked to load. */
function storyteller(answer = "Once there was a cria. It hummed."): { engine: EngineDouble; loads: LoadOptions[] } {
  const engine = new EngineDouble({ stored: true, answer: () => answer });
  const loads: LoadOptions[] = [];
  const load = engine.load;
  engine.load = async (options: LoadOptions): Promise<Cria> => {
    loads.push(options);
    return load(options);
  };
  return { engine, loads };
}

describe("the demonstration", () => {
  it("tells a story, and how fast it was written", async () => {
    const { engine } = storyteller();
    const demonstration = new Demonstration(engine, file);
    await demonstration.tell("the moon", 7);
    expect(demonstration.text).toBe("Once there was a cria. It hummed.");
    expect(demonstration.phase).toBe("told");
    expect(demonstration.pace!.tokensPerSecond).toBeGreaterThan(0);
    expect(engine.requests[0]).toMatchObject({ messages: [{ content: "Tell me a story about the moon." }], seed: 7 });
  });

  it("loads its model once, from a file that is stored nowhere", async () => {
    const { engine, loads } = storyteller();
    const demonstration = new Demonstration(engine, file);
    await demonstration.tell("the moon");
    await demonstration.tell("honey");
    expect(loads).toHaveLength(1);
    expect(loads[0]!.model).toBeInstanceOf(File);
    expect([demonstration.topic, demonstration.phase]).toEqual(["honey", "told"]);
  });

  it("leaves what it told when the chosen model takes its place, and calls that no error", async () => {
    const { engine } = storyteller();
    engine.script.failures.push({ at: "answer", code: "disposed" });
    const demonstration = new Demonstration(engine, file);
    await demonstration.tell("the moon");
    expect([demonstration.phase, demonstration.error]).toEqual(["over", null]);
  });

  it("says why there is no story", async () => {
    const gone = (): Promise<File> => Promise.reject(new EngineError("network", "HTTP 404."));
    const demonstration = new Demonstration(storyteller().engine, gone);
    await demonstration.tell("the moon");
    expect([demonstration.phase, demonstration.error?.message]).toEqual(["over", "HTTP 404."]);
  });

  it("is silent once it is closed", async () => {
    const { engine } = storyteller();
    const demonstration = new Demonstration(engine, file);
    const telling = demonstration.tell("the moon");
    await demonstration.close();
    await telling;
    expect([demonstration.phase, demonstration.pace, demonstration.error]).toEqual(["over", null, null]);
  });
});
