// The WASM backend computes what llama.cpp computes: exactly on float weights, as well as llama.cpp itself on quantized ones.
import { describe, expect, it } from "vitest";
import { openCpu } from "../../workers/engine/cpu/open.ts";
import { nodeHost } from "../workers/engine/node-host.ts";
import { fileSource } from "../golden/sources.ts";
import { distance } from "./distance.ts";
import { greedyAfter, logitsAlong, open } from "./engines.ts";
import { report } from "./report.ts";
import { llamaCpp, truth } from "./truth.ts";
import { variantsFor } from "./variants.ts";

const MINUTES = 60_000;

describe("the WASM backend, plain SIMD", () => {
  // Node 20 computes relaxed dot products wrongly; the levels that use them are measured in browsers.
  it.each(variantsFor("wasm"))("is right on $name", { timeout: 10 * MINUTES }, async ({ name, task, float, file }) => {
    const path = await file();
    const right = await truth(path, task);
    const own = distance(right, await llamaCpp(path, task, "F16"));
    const opened = await open(openCpu, nodeHost({ threads: 1 }), fileSource(path));
    const found = distance(right, await logitsAlong(opened, right.ids));
    const greedy = float ? await greedyAfter(opened, right.ids.slice(0, task.promptTokens), task.greedyTokens) : null;
    opened.backend.dispose();
    report({ backend: "wasm", tier: opened.info.tier, model: name, ...found, llamaCpp: own, leastLead: right.leastLead });

    expect(found.positions).toBeGreaterThanOrEqual(100);
    if (greedy) {
      expect(found.d).toBeLessThanOrEqual(0.002);
      expect(right.leastLead).toBeGreaterThan(0.02); // else rounding alone could turn a token
      expect(greedy).toEqual(right.greedy);
    } else {
      expect(found.d).toBeLessThanOrEqual(1.15 * own.d);
      expect(found.contradicted).toEqual([]);
    }
  });
});
