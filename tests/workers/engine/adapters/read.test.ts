// Adapters as they were published, read for a model: the same numbers from every form, the golden logits beside the weights, and a
// reason for whatever is not read.
import { describe, expect, it } from "vitest";
import { loraFor } from "../../../../workers/engine/adapters/fit.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { promptsFor } from "../../../../workers/engine/adapters/prompts.ts";
import type { Adapter } from "../../../../workers/engine/base/adapter.ts";
import type { GateReading } from "../../../../workers/engine/base/adapters.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { apart, CONFIG, FRAME, golden, goldenLogits, goldenPrompt, json, named } from "./golden.ts";
import { referenceLogits } from "./reference.ts";
import { bytesOfState } from "./states.ts";

describe.skipIf(GOLDEN === null)("beside stories260K", () => {
  it.each([
    ["PEFT's safetensors", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.safetensors"]],
    ["PEFT's PyTorch file", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"]],
    ["a GGUF LoRA", ["stories260K.lora.f32.gguf"]],
  ])("%s gives the golden logits", async (_, files) => {
    const adapter = await ready(golden(...files));
    expect(apart(await withAdapter(adapter), goldenLogits("lora"))).toBeLessThan(1e-3);
  });

  it.each<[string, GateReading, string]>([
    ["llama_adapter_len10_layer3.pth", "raw", "adapterv1.rawgate"],
    ["llama_adapter_len10_layer3.pth", "tanh", "adapterv1.tanhgate"],
    ["llama_adapter_len10_layer3.safetensors", "raw", "adapterv1.rawgate"],
    ["llama_adapter_len10_layer3.safetensors", "tanh", "adapterv1.tanhgate"],
  ])("%s, its gates %s, gives the golden logits", async (file, gate, logits) => {
    const adapter = await ready(golden(file), gate);
    expect(apart(await withAdapter(adapter), goldenLogits(logits))).toBeLessThan(1e-3);
  });

  it("PEFT's matrices and the GGUF file's are the same to the last bit", async () => {
    const peft = await ready(golden("lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"));
    const gguf = await ready(golden("stories260K.lora.f32.gguf"));
    expect([...peft.lowRank.keys()].sort()).toEqual([...gguf.lowRank.keys()].sort());
    for (const [name, { a, b, rank }] of peft.lowRank) expect(gguf.lowRank.get(name), name).toEqual({ a, b, rank });
  });
});

describe("PEFT's forms", () => {
  const q = "model.layers.0.self_attn.q_proj";

  it.each([
    ["today's names", `base_model.model.${q}.lora_A.weight`, `base_model.model.${q}.lora_B.weight`],
    ["the adapter's name within", `base_model.model.${q}.lora_A.default.weight`, `base_model.model.${q}.lora_B.default.weight`],
    ["no wrapper", `${q}.lora_A.weight`, `${q}.lora_B.weight`],
  ])("are read with %s", async (_, a, b) => {
    const contents = await openAdapter(peft({ [a]: [8, 64], [b]: [64, 8] }), FRAME);
    expect(contents).toMatchObject({ kind: "lora" });
    expect(contents.kind === "lora" && [...contents.changes.keys()]).toEqual(["blk.0.attn_q.weight"]);
  });

  it("are read as GPT4All's, in BFloat16, alpha 32, the old configuration", async () => {
    const config = { ...CONFIG, lora_alpha: 32, enable_lora: null, merge_weights: false, base_model_name_or_path: null };
    const v = "model.layers.1.self_attn.v_proj";
    const tensors = { [`base_model.model.${v}.lora_A.weight`]: [8, 64], [`base_model.model.${v}.lora_B.weight`]: [32, 8] };
    const contents = await openAdapter(peft(tensors, config, "BF16"), FRAME);
    const change = contents.kind === "lora" ? contents.changes.get("blk.1.attn_v.weight")! : null;
    expect(change?.b[0]).toBe(4 * 0.5); // alpha / r, and the writer's first number
  });

  it.each<[string, object, number]>([
    ["alpha / r", {}, 2],
    ["alpha / sqrt(r)", { use_rslora: true }, 16 / Math.sqrt(8)],
    ["an alpha of its own", { alpha_pattern: { q_proj: 4 } }, 0.5],
    ["an alpha of its own, anchored", { alpha_pattern: { "^model\\.layers\\.0\\.self_attn\\.q_proj": 8 } }, 1],
  ])("are scaled by %s", async (_, config, factor) => {
    const contents = await openAdapter(peft(pair(q), { ...CONFIG, ...config }), FRAME);
    const change = contents.kind === "lora" ? contents.changes.get("blk.0.attn_q.weight")! : null;
    expect(change!.b[0]).toBeCloseTo(0.5 * factor, 6);
  });

  it.each<[string, object, Record<string, readonly number[]>, RegExp]>([
    ["a DoRA", { use_dora: true }, pair(q), /DoRA/],
    ["magnitudes without a word of them", {}, { ...pair(q), [`base_model.model.${q}.lora_magnitude_vector`]: [64] }, /DoRA/],
    ["PiSSA", { init_lora_weights: "pissa_niter_16" }, pair(q), /pissa/],
    ["a fused map", { enable_lora: [true, false, true] }, pair(q), /one matrix/],
    ["biases of its matrices", { lora_bias: true }, pair(q), /biases/],
    ["another kind", { peft_type: "IA3" }, pair(q), /IA3/],
    ["whole modules", {}, { ...pair(q), "base_model.model.lm_head.weight": [512, 64] }, /lm_head/],
    ["a module of another family", {}, pair("transformer.h.0.attn.c_attn"), /no LLaMA/],
    ["an expression", { alpha_pattern: { "(a+)+b": 3 } }, pair(q), /expression/],
    ["half of a change", {}, { [`base_model.model.${q}.lora_A.weight`]: [8, 64] }, /one of its two/],
    ["two ranks", {}, { ...pair(q), [`base_model.model.${q}.lora_B.weight`]: [64, 4] }, /rank/],
    ["a rank that the configuration denies", { r: 16 }, pair(q), /rank/],
  ])("are refused with a reason for %s", async (_, config, tensors, reason) => {
    await expect(openAdapter(peft(tensors, { ...CONFIG, ...config }), FRAME)).rejects.toThrow(reason);
  });

  it("need their configuration", async () => {
    const [, weights] = peft(pair(q));
    await expect(openAdapter([weights!], FRAME)).rejects.toMatchObject({ code: "bad_request" });
  });

  it("are adaption prompts, too", async () => {
    const layer = "base_model.model.model.layers.4.self_attn";
    const tensors = { [`${layer}.adaption_prompt`]: [1, 10, 64], [`${layer}.adaption_gate`]: [1] };
    const contents = await openAdapter(
      peft(tensors, { peft_type: "ADAPTION_PROMPT", adapter_len: 10, adapter_layers: 1 }),
      FRAME,
    );
    expect(contents.kind === "prompt" && contents.prompts.get(4)).toMatchObject({
      length: 10,
      gates: new Float32Array(8).fill(0.5),
    });
  });
});

describe("LLaMA-Adapter's forms", () => {
  const query = { "adapter_query.weight": [20, 64], "layers.3.attention.gate": [1], "layers.4.attention.gate": [1, 8, 1, 1] };

  it("have a gate a head, or one for all", async () => {
    const contents = await openAdapter([named("own.pth", bytesOfState(query, "torch"))], FRAME);
    const prompts = contents.kind === "prompt" ? contents.prompts : new Map();
    expect([...prompts.keys()]).toEqual([3, 4]);
    expect(prompts.get(3)).toMatchObject({ length: 10, gates: new Float32Array(8).fill(0.5) });
  });

  it("tell the length of their prompts by the file's name", async () => {
    const gates = Object.fromEntries([1, 2, 3, 4].map((layer) => [`layers.${layer}.attention.gate`, [1]]));
    const state = { "adapter_query.weight": [20, 64], ...gates };
    const contents = await openAdapter([named("llama_adapter_len5_layer4.pth", bytesOfState(state, "torch"))], FRAME);
    expect(contents.kind === "prompt" && [...contents.prompts.values()].map(({ length }) => length)).toEqual([5, 5, 5, 5]);
  });

  it("are lit-llama's", async () => {
    const state = { "transformer.h.2.attn.adapter_wte.weight": [10, 64], "transformer.h.2.attn.gating_factor": [1, 8, 1, 1] };
    const contents = await openAdapter([named("lit.pth", bytesOfState(state, "torch"))], FRAME);
    expect(contents).toMatchObject({ kind: "prompt", gate: "raw" });
  });

  it("are lit-llama's V2, queries, keys and values apart, prompts kept", async () => {
    const frame = { ...FRAME, kvHeads: 8 };
    const state = {
      "transformer.h.2.attn.adapter_wte.weight": [10, 64],
      "transformer.h.2.attn.gating_factor": [1, 8, 1, 1],
      "transformer.h.2.attn.c_attn.adapter_scale": [192],
      "transformer.h.2.attn.c_attn.adapter_bias": [192],
      "transformer.h.2.mlp.c_fc2.adapter_scale": [172],
      "transformer.h.2.rms_1.scale": [64],
      "transformer.ln_f.scale": [64],
    };
    const contents = await openAdapter([named("lit.pth", bytesOfState(state, "torch"))], frame);
    if (contents.kind !== "tuning") throw new Error(contents.kind);
    const scales = ["attn_q", "attn_k", "attn_v", "ffn_up"].map((part) => `blk.2.${part}.weight`);
    expect([...contents.scales.keys()]).toEqual(scales);
    expect(await contents.scales.get("blk.2.attn_k.weight")!.read(0, 1)).toHaveLength(64);
    expect([...contents.norms.keys()]).toEqual(["blk.2.attn_norm.weight", "output_norm.weight"]);
    expect(contents.prompts?.prompts.size).toBe(1);
  });

  it("are refused where a picture is wanted, and where something is unknown", async () => {
    const open = (state: Record<string, readonly number[]>) => openAdapter([named("x.pth", bytesOfState(state, "torch"))], FRAME);
    await expect(open({ ...query, "llama.visual_proj.weight": [8, 8] })).rejects.toThrow(/picture/);
    await expect(open({ ...query, "layers.3.attention.new": [1] })).rejects.toThrow(/layers\.3\.attention\.new/);
    await expect(open({ ...query, "adapter_query.weight": [21, 64] })).rejects.toThrow(/21 vectors/);
  });
});

function pair(module: string): Record<string, readonly number[]> {
  return { [`base_model.model.${module}.lora_A.weight`]: [8, 64], [`base_model.model.${module}.lora_B.weight`]: [64, 8] };
}

function peft(tensors: Record<string, readonly number[]>, config: object = CONFIG, type: "F32" | "BF16" = "F32"): ByteSource[] {
  return [named("adapter_config.json", json(config)), named("adapter_model.bin", bytesOfState(tensors, "torch", type))];
}

async function ready(files: readonly ByteSource[], gate: GateReading = "raw"): Promise<Adapter> {
  const source = golden("stories260K.f32.gguf")[0]!;
  const { model } = await readModelFile(source);
  const contents = await openAdapter(files, model.shape);
  if (contents.kind === "lora") return loraFor(model, contents);
  if (contents.kind === "tuning") throw new Error("has to be merged");
  return promptsFor(contents, { model, source, gate, breathe: () => Promise.resolve() });
}

function withAdapter(adapter: Adapter): Promise<Float64Array> {
  return referenceLogits(golden("stories260K.f32.gguf")[0]!, goldenPrompt(), [{ adapter, scale: 1 }]);
}
