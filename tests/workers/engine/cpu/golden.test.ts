// Golden logits on WASM: float weights and adapters, within a thousandth.
import { describe, expect, it } from "vitest";
import { loraFor } from "../../../../workers/engine/adapters/fit.ts";
import { mergeAdapter } from "../../../../workers/engine/adapters/merge.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { promptsFor } from "../../../../workers/engine/adapters/prompts.ts";
import type { Adapter, Applied } from "../../../../workers/engine/base/adapter.ts";
import type { GateReading } from "../../../../workers/engine/base/adapters.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import { openCpu } from "../../../../workers/engine/cpu/open.ts";
import { referenceLogits as stepwise } from "../../../../workers/engine/gpu/reference.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";
import { loadWeights } from "../../../../workers/engine/weights/load.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { apart, FRAME, golden, goldenLogits, goldenPrompt } from "../adapters/golden.ts";
import { referenceLogits } from "../adapters/reference.ts";
import { nodeHost } from "../node-host.ts";

const BAR = 1e-3;

describe.skipIf(GOLDEN === null)("stories260K on WASM", () => {
  it("gives the golden logits with f32 weights", async () => {
    expect(apart(await logitsOf(golden("stories260K.f32.gguf")[0]!, []), goldenLogits("base"))).toBeLessThan(BAR);
  });

  it("gives with f16 weights what doubles make of them", async () => {
    // Not the golden logits: the weights themselves were rounded, which moves logits by a hundredth.
    const source = golden("stories260K.f16.gguf")[0]!;
    expect(apart(await logitsOf(source, []), await referenceLogits(source, goldenPrompt()))).toBeLessThan(BAR);
  });

  it.each([5, 70])("sees %i positions where that is a layer's window", async (window) => {
    const source = golden("stories260K.f32.gguf")[0]!;
    const bytes = await source.read(0, source.sizeBytes);
    const { model: plain } = await readModelFile(source);
    const segments = plain.segments.map((segment) => ({
      ...segment,
      steps: segment.steps.map((step) => (step.op === "attend" ? { ...step, window } : step)),
    }));
    const model = { ...plain, segments };
    const ids = Array.from({ length: 140 }, (_, i) => (i * 37) % 512); // over three runs of positions
    const expected = stepwise(model, ({ offset, sizeBytes }) => bytes.subarray(offset, offset + sizeBytes), ids);
    const backend = await openCpu(nodeHost(), model, 192, { level: "plain", threads: 2 });
    await loadWeights(source, model, backend);
    await backend.ready();
    const logits: number[] = [];
    for (const [at, to] of [
      [0, 128],
      [128, 131],
      [131, 132],
      [132, 140],
    ] as const) {
      logits.push(...(await backend.forward(Uint32Array.from(ids.slice(at, to)), at, "all")));
    }
    backend.dispose();
    expect(apart(logits, expected)).toBeLessThan(BAR);
  });

  it.each<[string, readonly string[], GateReading, string]>([
    ["a LoRA in GGUF", ["stories260K.lora.f32.gguf"], "raw", "lora"],
    ["PEFT's LoRA", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.safetensors"], "raw", "lora"],
    ["a LLaMA-Adapter read raw", ["llama_adapter_len10_layer3.pth"], "raw", "adapterv1.rawgate"],
    ["a LLaMA-Adapter read with tanh", ["llama_adapter_len10_layer3.safetensors"], "tanh", "adapterv1.tanhgate"],
  ])("gives the golden logits with %s beside the weights", async (_, files, gate, name) => {
    const source = golden("stories260K.f32.gguf")[0]!;
    const adapter = await adapterFor(source, files, gate);
    expect(apart(await logitsOf(source, [[adapter, 1]]), goldenLogits(name))).toBeLessThan(BAR);
  });

  it("takes an adapter in two halves, and leaves it again", async () => {
    const source = golden("stories260K.f32.gguf")[0]!;
    const adapter = await adapterFor(source, ["stories260K.lora.f32.gguf"], "raw");
    const halves = await logitsOf(source, [
      [adapter, 0.5],
      [adapter, 0.5],
    ]);
    expect(apart(halves, goldenLogits("lora"))).toBeLessThan(BAR);
    expect(apart(await logitsOf(source, [[adapter, 0]]), goldenLogits("base"))).toBeLessThan(BAR);
  });

  it("gives the golden logits with LLaMA-Adapter V2 merged, biases and all", async () => {
    const base = await openCheckpoint("stories", golden("stories260K.f32.gguf"));
    const merged = mergeAdapter(base, await openAdapter(golden("chat_bias_scale_norm.pth"), FRAME), 1);
    const logits = await logitsOf(convertedFile(merged, { target: "F32", family: null }), []);
    expect(apart(logits, goldenLogits("adapterv2"))).toBeLessThan(BAR);
  });
});

async function adapterFor(source: ByteSource, files: readonly string[], gate: GateReading): Promise<Adapter> {
  const { model } = await readModelFile(source);
  const contents = await openAdapter(golden(...files), model.shape);
  if (contents.kind === "lora") return loraFor(model, contents);
  if (contents.kind === "tuning") throw new Error("has to be merged");
  return promptsFor(contents, { model, source, gate, breathe: () => Promise.resolve() });
}

/** Logits of the golden prompt, three tokens at a time. */
async function logitsOf(source: ByteSource, adapters: readonly (readonly [Adapter, number])[]): Promise<Float32Array> {
  const { model } = await readModelFile(source);
  const backend = await openCpu(nodeHost(), model, 64, { level: "plain", threads: 2 });
  await loadWeights(source, model, backend);
  await backend.ready();
  const applied: Applied[] = [];
  for (const [adapter, scale] of adapters) applied.push({ adapter: await backend.adapters!.add(adapter), scale });
  backend.adapters!.use(applied);
  const tokens = Uint32Array.from(goldenPrompt());
  const all = new Float32Array(tokens.length * model.shape.vocab);
  for (let at = 0; at < tokens.length; at += 3) {
    all.set(await backend.forward(tokens.subarray(at, at + 3), at, "all"), at * model.shape.vocab);
  }
  backend.dispose();
  return all;
}
