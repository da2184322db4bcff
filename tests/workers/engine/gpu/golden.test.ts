// Golden logits of adapters on the GPU (../shared/golden; made by a numpy reference of its own). T0 on SwiftShader.
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { loraFor } from "../../../../workers/engine/adapters/fit.ts";
import { promptsFor } from "../../../../workers/engine/adapters/prompts.ts";
import type { Adapter } from "../../../../workers/engine/base/adapter.ts";
import type { Model } from "../../../../workers/engine/base/model.ts";
import { openGpu } from "../../../../workers/engine/gpu/open.ts";
import { fileSource } from "../../../golden/sources.ts";
import { open, type Opened } from "../../../numbers/engines.ts";
import { dawn, nodeHost } from "../../../shaders/dawn.ts";

const GOLDEN = new URL("../../../../../shared/golden/", import.meta.url);
const here = (name: string): string => new URL(name, GOLDEN).pathname;
// Half floats in the cache make all of it: the double-precision reference with its keys and values rounded to halves is 0.0146 and
// 0.0578 from the first two, and 0.00002 without.
const TOLERANCE = { base: 0.016, lora: 0.06, "adapterv1.rawgate": 0.018, "adapterv1.tanhgate": 0.014 } as const;

describe.skipIf(!existsSync(GOLDEN))("the golden logits", () => {
  const source = fileSource(here("stories260K.f32.gguf"));
  let opened: Opened;
  let model: Model;

  beforeAll(async () => {
    const tuning = { lanes: {}, many: "few" as const, milliseconds: 0 };
    const keep = (described: Model): Model => (model = described);
    opened = await open((...args) => openGpu(...args, { tier: "T0", tuning }), nodeHost(dawn()), source, keep);
  });
  afterAll(() => {
    opened.backend.dispose();
    source.close();
  });

  /** The largest difference at 16 positions, run as many, a few and one. */
  async function difference(name: keyof typeof TOLERANCE): Promise<number> {
    const golden = new Float32Array(new Uint8Array(readFileSync(here(`stories260K.${name}.logits.f32.bin`))).buffer);
    const { prompt } = JSON.parse(readFileSync(here("golden.json"), "utf8")).stories260K;
    let worst = 0;
    for (const [from, to] of [
      [0, 10],
      [10, 15],
      [15, 16],
    ] as const) {
      const found = await opened.backend.forward(Uint32Array.from(prompt.slice(from, to)), from, "all");
      for (const [i, value] of found.entries()) worst = Math.max(worst, Math.abs(value - golden[from * opened.vocab + i]!));
    }
    return worst;
  }

  async function expectGolden(name: keyof typeof TOLERANCE, adapter: Adapter): Promise<void> {
    const rack = opened.backend.adapters!;
    const id = await rack.add(adapter);
    rack.use([{ adapter: id, scale: 1 }]);
    expect(await difference(name)).toBeLessThan(TOLERANCE[name]);
    rack.remove(id);
  }

  it("of a LoRA are met", async () => {
    const file = fileSource(here("stories260K.lora.f32.gguf"));
    const contents = await openAdapter([file], model.shape);
    file.close();
    if (contents.kind !== "lora") throw new Error(contents.kind);
    await expectGolden("lora", loraFor(model, contents));
  });

  it.each(["raw", "tanh"] as const)("of a LLaMA-Adapter are met, its gate %s", async (gate) => {
    const file = fileSource(here("llama_adapter_len10_layer3.safetensors"));
    const contents = await openAdapter([file], model.shape);
    file.close();
    if (contents.kind !== "prompt") throw new Error(contents.kind);
    const adapter = await promptsFor(contents, { model, source, gate, breathe: async () => undefined });
    await expectGolden(`adapterv1.${gate}gate`, adapter);
  });

  it("of the plain model are met, before and after", async () => {
    expect(await difference("base")).toBeLessThan(TOLERANCE.base);
  });
});
