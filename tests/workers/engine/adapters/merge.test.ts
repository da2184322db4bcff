// Adapters merged into a model's weights: the merged model computes what the reference computed with the adapter beside it.
import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { mergeAdapter } from "../../../../workers/engine/adapters/merge.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { convertedFile } from "../../../../workers/engine/convert/file.ts";
import { readGguf } from "../../../../workers/engine/gguf/read.ts";
import { GOLDEN } from "../../../golden/models.ts";
import { apart, FRAME, golden, goldenLogits, goldenPrompt } from "./golden.ts";
import { referenceLogits } from "./reference.ts";

describe.skipIf(GOLDEN === null)("merged into stories260K", () => {
  it.each([
    ["PEFT's safetensors", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.safetensors"]],
    ["PEFT's PyTorch file", ["lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"]],
    ["a GGUF LoRA", ["stories260K.lora.f32.gguf"]],
  ])("%s gives the golden logits", async (_, files) => {
    const logits = await referenceLogits(await merged(golden(...files), 1), goldenPrompt());
    expect(apart(logits, goldenLogits("lora"))).toBeLessThan(1e-3);
  });

  it("a LoRA at strength 0 leaves every weight as it is", async () => {
    const file = await merged(golden("stories260K.lora.f32.gguf"), 0);
    expect(apart(await referenceLogits(file, goldenPrompt()), goldenLogits("base"))).toBeLessThan(1e-3);
  });

  it("LLaMA-Adapter V2 has a bias for each of the seven maps of a layer", async () => {
    const { tensors } = await readGguf(await merged(golden("chat_bias_scale_norm.pth"), 1));
    const biases = [...tensors.keys()].filter((name) => name.endsWith(".bias"));
    expect(biases).toHaveLength(5 * 7);
    expect(tensors.get("blk.4.ffn_up.bias")).toMatchObject({ rows: 1, cols: 172, type: "F32" });
  });

  it("a prompt is no change of weights", async () => {
    await expect(merged(golden("llama_adapter_len10_layer3.pth"), 1)).rejects.toMatchObject({ code: "bad_request" });
  });
});

async function merged(files: readonly ByteSource[], scale: number): Promise<ByteSource> {
  const base = await openCheckpoint("stories", golden("stories260K.f32.gguf"));
  return convertedFile(mergeAdapter(base, await openAdapter(files, FRAME), scale), { target: "F32", family: null });
}
