// The float bar notices what a reader of the code, or of the answers, would not.
import { describe, expect, it } from "vitest";
import { openCpu } from "../../workers/engine/cpu/open.ts";
import { nodeHost } from "../workers/engine/node-host.ts";
import { fileSource } from "../golden/sources.ts";
import { distance } from "./distance.ts";
import { logitsAlong, logitsWithLoss, MUTATIONS, open } from "./engines.ts";
import { report } from "./report.ts";
import { truth } from "./truth.ts";
import { variantsFor } from "./variants.ts";

const BAR = 0.002;

describe("a wrong engine fails the float bar", () => {
  const floats = variantsFor("wasm").filter(({ name }) => name === "SmolLM2 F16" || name === "stories260K f32");

  it.each(floats)("on $name", { timeout: 600_000 }, async ({ name, task, file }) => {
    const path = await file();
    const right = await truth(path, task);
    const figures: Record<string, number> = {};

    const opened = await open(openCpu, nodeHost({ threads: 1 }), fileSource(path));
    figures["as it is"] = distance(right, await logitsAlong(opened, right.ids)).d;
    figures["one KV position lost"] = distance(right, await logitsWithLoss(opened, right.ids, 60)).d;
    opened.backend.dispose();
    for (const [mutation, change] of Object.entries(MUTATIONS)) {
      const mutant = await open(openCpu, nodeHost({ threads: 1 }), fileSource(path), change);
      figures[mutation] = distance(right, await logitsAlong(mutant, right.ids)).d;
      mutant.backend.dispose();
    }
    report({ model: name, mutations: figures });

    const { "as it is": sound, ...wrong } = figures;
    expect(sound).toBeLessThanOrEqual(BAR);
    for (const [mutation, d] of Object.entries(wrong)) expect(d, mutation).toBeGreaterThan(BAR);
  });
});
