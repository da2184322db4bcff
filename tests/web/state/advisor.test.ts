// The advisor's state: what it asks, what it recommends, how it fails.
import { describe, expect, it } from "vitest";
import { Advisor, sketchesOf } from "../../../web/state/advisor.svelte.ts";
import { Model } from "../../../web/state/model.svelte.ts";
import { Settings } from "../../../web/state/settings.svelte.ts";
import { ENTRY, EngineDouble, OTHERS, type Script } from "../double.ts";
import { memoryStore } from "./memory-store.ts";

async function build(script: Partial<Script> = {}): Promise<Advisor> {
  const engine = new EngineDouble({ stored: true, ...script });
  const model = new Model(engine, new Settings(memoryStore()));
  await model.start();
  return new Advisor(engine, model);
}

describe("the advisor", () => {
  it("recommends nothing before it has measured", async () => {
    const advisor = await build();
    expect(advisor.recommended).toBeNull();
  });

  it("recommends the best that is as fast as the person wants: 8, 25, 3 tokens a second", async () => {
    const advisor = await build();
    await advisor.consider();
    expect(advisor.recommended?.id).toBe("smollm2-1.7b-instruct"); // 9 tokens/s
    advisor.pace = "fast";
    expect(advisor.recommended?.id).toBe(ENTRY.id);
    advisor.pace = "best";
    expect(advisor.recommended?.id).toBe("smollm2-1.7b-instruct"); // 8B has 1.9
  });

  it("recommends what stays within the memory it may take", async () => {
    const advisor = await build();
    await advisor.consider();
    advisor.memoryBytes = 5e8;
    expect(advisor.recommended?.id).toBe(ENTRY.id);
  });

  it("never recommends what only goes on writing, or can't be had", async () => {
    const advisor = await build();
    await advisor.consider();
    advisor.pace = "best";
    expect(advisor.advice.has("llama-65b")).toBe(true);
    expect(advisor.recommended?.id).not.toBe("llama-65b");
  });

  it("foretells every quantization of an entry", async () => {
    const advisor = await build();
    await advisor.consider();
    expect(sketchesOf(OTHERS[0]!).map(({ id }) => id)).toEqual(["llama-3.2-1b-instruct", "llama-3.2-1b-instruct:Q8_0"]);
    expect(advisor.advice.get("llama-3.2-1b-instruct:Q8_0")?.quantization).toBe("Q8_0");
  });

  it("says what kept it from measuring, and measures when asked again", async () => {
    const advisor = await build({ failures: [{ at: "advise", code: "out_of_memory" }] });
    await advisor.consider();
    expect(advisor.error?.code).toBe("out_of_memory");
    await advisor.consider();
    expect(advisor.error).toBeNull();
    expect(advisor.recommended).not.toBeNull();
  });

  it("answers who asks while it measures, in turn", async () => {
    const advisor = await build({ measureMs: 20 });
    void advisor.consider();
    const [advice] = await advisor.ask([sketchesOf({ ...ENTRY, id: "another" })[0]!]);
    expect(advice?.id).toBe("another");
  });

  it("measures once where it is asked twice at a time", async () => {
    const advisor = await build({ measureMs: 20 });
    const first = advisor.consider();
    expect(advisor.measuring).toBe(true);
    await advisor.consider();
    expect(advisor.advice.size).toBe(0);
    await first;
    expect(advisor.measuring).toBe(false);
    expect(advisor.advice.size).toBe(6);
  });
});
