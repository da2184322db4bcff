// The WebGPU backend computes what llama.cpp computes on float weights, whatever the file holds: its activations are floats.
import { describe, expect, it } from "vitest";
import { openGpu } from "../../workers/engine/gpu/open.ts";
import { dawn, nodeHost } from "../shaders/dawn.ts";
import { fileSource } from "../golden/sources.ts";
import { distance } from "./distance.ts";
import { greedyAfter, logitsAlong, open } from "./engines.ts";
import { report } from "./report.ts";
import { llamaCpp, truth } from "./truth.ts";
import { LONG, variantsFor } from "./variants.ts";

const MINUTES = 60_000;

describe("the WebGPU backend, on SwiftShader", () => {
  it.each(variantsFor("webgpu"))("is right on $name", { timeout: 30 * MINUTES }, async ({ name, task, large, file }) => {
    const path = await file();
    const right = await truth(path, task);
    // A software adapter is slow: the whole text and the greedy tokens of SmolLM2 are for the long run.
    const positions = large && !LONG ? 32 : task.positions;
    const some = { vocab: right.vocab, values: right.values.subarray(0, positions * right.vocab) };
    const opened = await open(openGpu, nodeHost(dawn("swiftshader")), fileSource(path));
    const found = distance(some, await logitsAlong(opened, right.ids.slice(0, positions)));
    const whole = positions === task.positions;
    const greedy = whole ? await greedyAfter(opened, right.ids.slice(0, task.promptTokens), task.greedyTokens) : null;
    opened.backend.dispose();
    const own = whole ? distance(right, await llamaCpp(path, task, "F16")) : undefined;
    report({ backend: "webgpu", tier: opened.info.tier, model: name, ...found, llamaCpp: own, leastLead: right.leastLead });

    expect(found.d).toBeLessThanOrEqual(0.002);
    expect(found.contradicted).toEqual([]);
    if (!greedy) return;
    expect(right.leastLead).toBeGreaterThan(0.02); // else rounding alone could turn a token
    expect(greedy).toEqual(right.greedy);
  });

  const small = variantsFor("webgpu").filter(({ large }) => LONG || !large);
  const bytes = LONG ? small : small.slice(0, 1);
  it.each(bytes)("is nearly as right on $name with keys and values in 8 bits", { timeout: 30 * MINUTES }, async (variant) => {
    const { name, task, file } = variant;
    const path = await file();
    const right = await truth(path, task);
    const opener: typeof openGpu = (...args) => openGpu(args[0], args[1], args[2], { cache: "int8" });
    const opened = await open(opener, nodeHost(dawn("swiftshader")), fileSource(path));
    const found = distance(right, await logitsAlong(opened, right.ids));
    opened.backend.dispose();
    report({ backend: "webgpu", tier: opened.info.tier, cache: "int8", model: name, ...found });

    expect(found.d).toBeLessThanOrEqual(0.022);
    expect(found.contradicted).toEqual([]);
  });
});
