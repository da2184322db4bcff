// Adapters merged into a model's weights: the merged model computes what the reference computed with the adapter beside it.
import { describe, expect, it } from "vitest";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { mergeAdapter } from "../../../../workers/engine/adapters/merge.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { openBackend } from "../../../../workers/engine/backends.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import { readModelFile } from "../../../../workers/engine/model-file.ts";
import { torchZip } from "../../../golden/publish/torch.ts";
import { distance } from "../../../numbers/distance.ts";
import { nodeHost } from "../node-host.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { apart, FRAME, golden, goldenLogits, goldenPrompt, named } from "./golden.ts";
import { mergedModel } from "./merged.ts";
import { referenceLogits } from "./reference.ts";

describe.skipIf(GOLDEN === null)("merged into stories260K", () => {
  it.each([
    ["PEFT's safetensors", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.safetensors"]],
    ["PEFT's PyTorch file", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"]],
    ["a GGUF LoRA", ["stories260K.lora.f32.gguf"]],
  ])("%s gives the golden logits", async (_, files) => {
    const logits = await referenceLogits(await mergedModel(golden(...files), "F32"), goldenPrompt());
    expect(apart(logits, goldenLogits("lora"))).toBeLessThan(1e-3);
  });

  it("a LoRA at strength 0 leaves every weight as it is", async () => {
    const file = await mergedModel(golden("stories260K.lora.f32.gguf"), "F32", 0);
    expect(apart(await referenceLogits(file, goldenPrompt()), goldenLogits("base"))).toBeLessThan(1e-3);
  });

  it.each(["chat_bias_scale_norm.pth", "chat_bias_scale_norm.safetensors"])(
    "LLaMA-Adapter V2's scales, biases and norms from %s give the golden logits",
    async (file) => {
      const logits = await referenceLogits(await mergedModel(golden(file), "F32"), goldenPrompt());
      expect(apart(logits, goldenLogits("adapterv2"))).toBeLessThan(1e-3);
    },
  );

  it("LLaMA-Adapter V2 has a bias for each of the seven maps of a layer", async () => {
    const { tensors } = await readGguf(await mergedModel(golden("chat_bias_scale_norm.pth"), "F32"));
    const biases = [...tensors.keys()].filter((name) => name.endsWith(".bias"));
    expect(biases).toHaveLength(5 * 7);
    expect(tensors.get("blk.4.ffn_up.bias")).toMatchObject({ rows: 1, cols: 172, type: "F32" });
  });

  it("lit-llama's V2 scales what a map gives, its bias with it", async () => {
    const [scale, bias] = [new Float32Array(512).fill(2), Float32Array.from({ length: 512 }, (_, id) => id / 512)];
    const state = new Map([
      ["lm_head.adapter_scale", { extents: [512], values: scale }],
      ["lm_head.adapter_bias", { extents: [512], values: bias }],
      ["transformer.h.0.attn.c_attn.adapter_bias", { extents: [128], values: new Float32Array(128) }],
    ]);
    // The head has to be a weight of its own: here it is the embedding's copy.
    const base = await mergedModel(golden("stories260K.lora.f32.gguf"), "F32", 0);
    const untied = await openCheckpoint("stories", [{ ...base, name: "stories.gguf", read: base.read.bind(base) }]);
    const embedding = untied.tensors.get("token_embd.weight")!;
    const tensors = new Map([...untied.tensors, ["output.weight", { ...embedding, name: "output.weight" }]]);
    const contents = await openAdapter([named("lit.pth", torchZip(state))], FRAME);
    const merged = mergeAdapter({ ...untied, tensors }, contents, 1);
    const file = convertedFile(merged, { target: "F32", family: null });
    const wanted = goldenLogits("base").map((logit, i) => 2 * (logit + bias[i % 512]!));
    expect(apart(await referenceLogits(file, goldenPrompt()), wanted)).toBeLessThan(2e-3);
    const { backend } = await openBackend(nodeHost({ threads: 1 }), await readModelFile(file), {
      backend: "wasm",
      contextLength: 64,
    });
    const values = (await backend.forward(Uint32Array.from(goldenPrompt()), 0, "all")).slice();
    backend.dispose();
    expect(distance({ vocab: 512, values: wanted }, { vocab: 512, values }).d).toBeLessThan(0.002);
  });

  it("a prompt is no change of weights", async () => {
    await expect(mergedModel(golden("llama_adapter_len10_layer3.pth"), "F32")).rejects.toMatchObject({ code: "bad_request" });
  });
});
