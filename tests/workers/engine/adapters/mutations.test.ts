// Damaged adapters of every form: each is read, or ends in an EngineError; nothing hangs, and nothing grows past its file.
// A seeded sample here; a thousand of each with CRIA_LONG=1.
import { describe, expect, it } from "vitest";
import { mergeAdapter } from "../../../../workers/engine/adapters/merge.ts";
import { openAdapter } from "../../../../workers/engine/adapters/open.ts";
import { previewOf } from "../../../../workers/engine/adapters/preview.ts";
import type { AdapterContents } from "../../../../workers/engine/adapters/contents.ts";
import { EngineError } from "../../../../workers/engine/base/errors.ts";
import type { ByteSource } from "../../../../workers/engine/base/source.ts";
import { openCheckpoint } from "../../../../workers/engine/checkpoint/open.ts";
import { mutated } from "../../../golden/mutated.ts";
import { GOLDEN } from "../../../golden/models.ts";
import type { Bytes } from "../../../golden/publish/bytes.ts";
import { memorySource } from "../../../golden/sources.ts";
import { FRAME, golden } from "./golden.ts";
import { bytesOfState } from "./states.ts";

const COUNT = process.env["CRIA_LONG"] ? 1000 : 40;

/** Files of an adapter, the first of which is damaged. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  "PEFT's safetensors": ["lora-peft/adapter_model.safetensors", "lora-peft/adapter_config.json"],
  "PEFT's PyTorch file": ["lora-peft/adapter_model.bin", "lora-peft/adapter_config.json"],
  "PEFT's configuration": ["lora-peft/adapter_config.json", "lora-peft/adapter_model.safetensors"],
  "a GGUF LoRA": ["stories260K.lora.f32.gguf"],
  "LLaMA-Adapter V1": ["llama_adapter_len10_layer3.pth"],
  "LLaMA-Adapter V1, safetensors": ["llama_adapter_len10_layer3.safetensors"],
  "LLaMA-Adapter V2": ["chat_bias_scale_norm.pth"],
  "LLaMA-Adapter V2, safetensors": ["chat_bias_scale_norm.safetensors"],
};
const LIT: Readonly<Record<string, readonly number[]>> = {
  "transformer.h.2.attn.adapter_wte.weight": [10, 64],
  "transformer.h.2.attn.gating_factor": [1, 8, 1, 1],
  "transformer.h.2.attn.c_attn.adapter_scale": [128],
  "transformer.h.2.attn.c_attn.adapter_bias": [128],
  "transformer.h.2.rms_1.scale": [64],
};

describe.skipIf(GOLDEN === null).each([...Object.keys(FORMS), "lit-llama's"])("%s", async (form) => {
  const base = GOLDEN ? await openCheckpoint("stories", golden("stories260K.f32.gguf")) : null;
  const [first, ...others] =
    form in FORMS ? golden(...FORMS[form]!) : [memorySource(bytesOfState(LIT, "torch"), undefined, "lit.pth")];

  it("is read as it is", async () => {
    await readAll([first!, ...others]);
  });

  it(`is read or refused with a reason, damaged in ${COUNT} ways`, { timeout: 600_000 }, async () => {
    const bytes: Bytes = await first!.read(0, first!.sizeBytes);
    let refused = 0;
    for (let seed = 1; seed <= COUNT; seed++) {
      try {
        await readAll([memorySource(mutated(bytes, seed), undefined, first!.name), ...others]);
      } catch (error) {
        const { code, message } = EngineError.record(error);
        if (!(error instanceof EngineError) || code === "internal") throw new Error(`Seed ${seed}: ${message}`, { cause: error });
        expect(message.length).toBeGreaterThan(20);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });

  /** Reads all of an adapter, and merges it. No read may be longer than its file, no adapter twice as large as all files. */
  async function readAll(sources: readonly ByteSource[]): Promise<void> {
    const bounded = sources.map((source) => ({
      ...source,
      read: (offset: number, length: number) => {
        expect(length).toBeLessThanOrEqual(source.sizeBytes);
        return source.read(offset, length);
      },
    }));
    const contents = await openAdapter(bounded, FRAME);
    const total = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(floatsOf(contents) * 2).toBeLessThanOrEqual(total);
    previewOf(contents, FRAME, null);
    if (contents.kind === "prompt") return;
    const { tensors } = mergeAdapter(base!, contents, 1);
    for (const name of ["blk.2.attn_q.weight", "blk.2.ffn_down.weight"]) await tensors.get(name)!.read(0, 4);
  }
});

/** Numbers an adapter holds in memory. */
function floatsOf(contents: AdapterContents): number {
  if (contents.kind === "tuning") return 0;
  const arrays =
    contents.kind === "lora"
      ? [...contents.changes.values()].flatMap(({ a, b }) => [a, b])
      : [...contents.prompts.values()].map(({ vectors }) => vectors);
  return arrays.reduce((sum, { length }) => sum + length, 0);
}
