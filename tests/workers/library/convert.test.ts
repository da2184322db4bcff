// Conversions into the store: whole, broken off and gone on with, asked for twice; from the files a person picks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SMALL_SHARD } from "../store/setup.ts";
import { beforeEach, describe, expect, it } from "vitest";
import { convert, inspect } from "../../../workers/library/convert.ts";
import type { ConversionRequest } from "../../../workers/engine/base/conversion.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { listModels, wipe } from "../../../workers/store/models.ts";
import { openStored } from "../../../workers/store/remote.ts";
import { utf8, type Bytes } from "../../golden/publish/bytes.ts";
import { asHuggingFace, CONFIG, stories } from "../../golden/publish/llama.ts";
import { safetensors } from "../../golden/publish/safetensors.ts";
import { sentencePieceModel } from "../../golden/publish/vocabulary.ts";
import { GOLDEN } from "../../golden/models.ts";

const AROUND = { appUrl: "https://app.example/", catalogue: () => Promise.resolve([]) };

beforeEach(wipe);

describe.skipIf(GOLDEN === null)("a Hugging Face folder", async () => {
  const { gguf, vocabulary } = GOLDEN ? await stories() : { gguf: new Map(), vocabulary: { tokens: [], scores: [], types: [] } };
  const files = [
    file("model.safetensors", safetensors(asHuggingFace(gguf))),
    file("config.json", utf8(JSON.stringify(CONFIG))),
    file("tokenizer.model", sentencePieceModel(vocabulary)),
  ];
  const request: ConversionRequest = {
    files,
    base: null,
    recipe: null,
    name: "stories",
    target: "Q8_0",
    promptFormat: "llama",
    contextLength: 128,
  };

  it("is described before it is converted", async () => {
    const preview = await inspect(request, AROUND);
    expect(preview).toMatchObject({
      format: "Hugging Face's safetensors",
      layers: 5,
      dim: 64,
      contextLength: 512,
      promptFormat: "dialogue",
    });
    expect(preview.targets.map(({ name }) => name)).toEqual(["Q4_0", "Q4_K_M", "Q4_1", "Q5_1", "Q6_K", "Q8_0", "F16"]);
    expect(preview.targets[0]!.sizeBytes).toBeLessThan(preview.targets[6]!.sizeBytes);
  });

  it("becomes a stored model that runs, with the format and the context that were asked for", async () => {
    const progress: number[] = [];
    const { id, check } = await convert(request, AROUND, { onProgress: ({ doneBytes }) => progress.push(doneBytes) });
    expect(check).toBeNull();
    expect(await listModels()).toMatchObject([{ id, name: "stories.Q8_0.gguf", complete: true, origin: "conversion" }]);
    const stored = (await openStored(id))!;
    const model = await readModelFile(stored);
    expect(model.model.shape).toMatchObject({ layers: 5, contextLength: 128, vocab: 512 });
    expect(model.template.format).toBe("llama");
    expect(progress.at(-1)).toBe(stored.sizeBytes);
  });

  it("goes on where it was stopped, to the same bytes, and is not made twice", async () => {
    const stop = new AbortController();
    let told = 0;
    const stopped = convert(request, AROUND, {
      signal: stop.signal,
      onProgress: ({ doneBytes }) => {
        told = Math.max(told, doneBytes);
      },
    });
    // A stop at once: before the first piece, or after it.
    setTimeout(() => stop.abort(), 0);
    await stopped.catch((error: unknown) =>
      expect(error).toMatchObject({ name: expect.stringMatching(/EngineError|AbortError/) }),
    );
    const { id } = await convert(request, AROUND, {});
    const bytes = await (await openStored(id))!.read(0, 1e9);
    await wipe();
    expect((await convert(request, AROUND, {})).id).toBe(id);
    expect(Buffer.compare(await (await openStored(id))!.read(0, 1e9), bytes)).toBe(0);
    expect((await convert(request, AROUND, {})).id).toBe(id);
    expect(bytes.length).toBeGreaterThan(10 * SMALL_SHARD);
  });

  it("is another model with another target, or another file of the same name", async () => {
    const { id } = await convert(request, AROUND, {});
    expect((await convert({ ...request, target: "Q4_0" }, AROUND, {})).id).not.toBe(id);
    const other = [file("model.safetensors", safetensors(asHuggingFace(gguf)), 2), ...files.slice(1)];
    expect((await convert({ ...request, files: other }, AROUND, {})).id).not.toBe(id);
  });

  it.each([
    ["without a vocabulary", files.slice(0, 2), /None of the files is a vocabulary/],
    ["without a configuration", [files[0]!, files[2]!], /No model is in these files/],
    ["without weights", files.slice(1), /None of the files has weights/],
  ])("says what is missing %s", async (_, given, message) => {
    await expect(inspect({ ...request, files: given }, AROUND)).rejects.toThrow(message);
  });

  it("refuses a target and a difference that do not exist", async () => {
    await expect(convert({ ...request, target: "Q2_K" }, AROUND, {})).rejects.toMatchObject({ code: "bad_request" });
    await expect(inspect({ ...request, base: files, recipe: "guanaco" }, AROUND)).rejects.toMatchObject({
      hint: expect.stringContaining("alpaca, vicuna-v0"),
    });
  });
});

describe.skipIf(GOLDEN === null)("an adapter", () => {
  const golden = (path: string): File => file(path.split("/").at(-1)!, Uint8Array.from(readFileSync(join(GOLDEN!, path))));
  const request: ConversionRequest = {
    files: GOLDEN ? ["lora-peft/adapter_config.json", "lora-peft/adapter_model.bin"].map(golden) : [],
    base: GOLDEN ? [golden("stories260K.f32.gguf")] : [],
    recipe: "adapter",
    name: "told",
    target: "Q8_0",
    promptFormat: null,
    contextLength: null,
  };

  it("is merged into its base, as strongly as is said", async () => {
    expect(await inspect(request, AROUND)).toMatchObject({ format: "PEFT’s LoRA, a PyTorch file, on a GGUF file", layers: 5 });
    const { id } = await convert(request, AROUND, {});
    const { id: half } = await convert({ ...request, scale: 0.5 }, AROUND, {});
    expect(half).not.toBe(id);
    const [whole, weak] = [(await openStored(id))!, (await openStored(half))!];
    expect((await readModelFile(whole)).name).toBe("told");
    expect(Buffer.compare(await whole.read(0, 1e9), await weak.read(0, 1e9))).not.toBe(0);
  });

  it("is merged into a model of the store by its key", async () => {
    const base = await convert({ ...request, scale: 0, name: "base", target: "F32" }, AROUND, {});
    const { id } = await convert({ ...request, base: [base.id], target: "F32" }, AROUND, {});
    const direct = await convert({ ...request, target: "F32" }, AROUND, {});
    expect(id).not.toBe(direct.id); // other files, the same bytes
    const bytes = async (key: string): Promise<Uint8Array> => (await openStored(key))!.read(0, 1e9);
    expect(Buffer.compare(await bytes(id), await bytes(direct.id))).toBe(0);
  });

  it("is refused without a base, and for another model", async () => {
    await expect(inspect({ ...request, base: null }, AROUND)).rejects.toMatchObject({ code: "bad_request" });
    const files = [golden("llama_adapter_len10_layer3.pth")];
    await expect(inspect({ ...request, files }, AROUND)).rejects.toThrow(/cannot be merged/);
  });
});

function file(name: string, bytes: Bytes, lastModified = 1): File {
  return new File([bytes], name, { lastModified });
}
