// What a header says, for people.
import { expect, it } from "vitest";
import { detailsOf } from "../../../workers/engine/details.ts";
import { readModelFile } from "../../../workers/engine/model-file.ts";
import { text } from "../../golden/gguf-writer.ts";
import { memorySource } from "../../golden/sources.ts";
import { tinyGguf } from "./tiny.ts";

it("tells a model's shape, types, tensors and keys", async () => {
  const file = await readModelFile(
    memorySource(tinyGguf({ "general.license": text("mit"), "general.note": text("x".repeat(500)) })),
  );
  const details = detailsOf(file);
  expect(details).toMatchObject({ name: "Tiny", architecture: "llama", tokenizer: "gpt2", licence: "mit" });
  expect(details.shape).toMatchObject({ layers: 1, dim: 32, contextLength: 64 });
  expect(details.types).toEqual([{ type: "F32", tensors: 11, sizeBytes: expect.any(Number) }]);
  expect(details.tensors[0]).toMatchObject({ name: "token_embd.weight", type: "F32", cols: 32 });
  const value = (wanted: string): string => details.metadata.find(({ key }) => key === wanted)!.value;
  expect(value("llama.block_count")).toBe("1");
  expect(value("general.note")).toHaveLength(242);
  expect(value("tokenizer.ggml.tokens")).toMatch(/^262 × text: .* …$/);
});
