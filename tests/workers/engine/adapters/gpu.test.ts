// Adapters on WebGPU (Dawn): the golden logits beside the weights and in them.
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../../workers/engine/base/adapter.ts";
import type { GateReading } from "../../../../workers/engine/base/adapters.ts";
import type { Backend } from "../../../../workers/engine/base/backend.ts";
import type { Model } from "../../../../workers/engine/base/model.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { loraFor } from "../../../../workers/engine/adapters/fit.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { promptsFor } from "../../../../workers/engine/adapters/prompts.ts";
import { type GpuOptions, openGpu } from "../../../../workers/engine/gpu/open.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";
import { loadWeights } from "../../../../workers/engine/weights/load.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { distance } from "../../../numbers/distance.ts";
import { dawn, nodeHost } from "../../../shaders/dawn.ts";
import { golden, goldenLogits, goldenPrompt } from "./golden.ts";
import { mergedModel } from "./merged.ts";

/** The float bar: keys and values are halves there. */
const BAR = 0.002;
/** Plain floats, sizes that need no trials: the upper tiers and tuning have tests of their own. */
const PLAIN: GpuOptions = { tier: "T0", tuning: { lanes: {}, many: "few", milliseconds: 0 } };
/** Software GPUs take their time. */
const PATIENCE = { timeout: 300_000 };

/** Files, the reading of their gates, and the golden logits that belong to them. */
const CASES: readonly (readonly [files: readonly string[], gate: GateReading, wanted: string])[] = [
  [["lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"], "raw", "lora"],
  [["llama_adapter_len10_layer3.pth"], "raw", "adapterv1.rawgate"],
  [["llama_adapter_len10_layer3.pth"], "tanh", "adapterv1.tanhgate"],
];

describe.skipIf(GOLDEN === null)("on WebGPU", () => {
  it("LoRA and LLaMA-Adapter give the golden logits, and without them the model is as it was", PATIENCE, async () => {
    const source = golden("stories260K.f32.gguf")[0]!;
    const { backend, model } = await opened(source);
    for (const [files, gate, wanted] of CASES) {
      const adapter = await backend.adapters!.add(await read(files, gate, source, model));
      backend.adapters!.use([{ adapter, scale: 1 }]);
      expect(await off(backend, wanted), wanted).toBeLessThan(BAR);
    }
    backend.adapters!.use([]);
    expect(await off(backend, "base")).toBeLessThan(BAR);
    backend.dispose();
  });

  it("LLaMA-Adapter V2, merged, gives the golden logits", PATIENCE, async () => {
    const { backend } = await opened(await mergedModel(golden("chat_bias_scale_norm.pth"), "F32"));
    expect(await off(backend, "adapterv2")).toBeLessThan(BAR);
    backend.dispose();
  });
});

async function opened(source: ByteSource): Promise<{ backend: Backend; model: Model }> {
  const { model } = await readModelFile(source);
  const backend = await openGpu(nodeHost(dawn()), model, 64, PLAIN);
  await loadWeights(source, model, backend);
  await backend.ready();
  return { backend, model };
}

async function read(files: readonly string[], gate: GateReading, source: ByteSource, model: Model): Promise<Adapter> {
  const contents = await openAdapter(golden(...files), model.shape);
  if (contents.kind === "lora") return loraFor(model, contents);
  if (contents.kind === "tuning") throw new Error("has to be merged");
  return promptsFor(contents, { model, source, gate, breathe: () => Promise.resolve() });
}

/** How far the logits of the golden prompt are from the golden ones. */
async function off(backend: Backend, wanted: string): Promise<number> {
  const values = await backend.forward(Uint32Array.from(goldenPrompt()), 0, "all");
  return distance({ vocab: 512, values: goldenLogits(wanted) }, { vocab: 512, values }).d;
}
