// Adapters merged into a model's weights: the merged model computes what the reference computed with the adapter beside it.
import { describe, expect, it } from "vitest";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { apart, golden, goldenLogits, goldenPrompt } from "./golden.ts";
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

  it("a prompt is no change of weights", async () => {
    await expect(mergedModel(golden("llama_adapter_len10_layer3.pth"), "F32")).rejects.toMatchObject({ code: "bad_request" });
  });
});
