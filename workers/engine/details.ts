// From a model file's header to what a person may want to see of it.
import type { ModelDetails } from "./base/details.ts";
import type { ModelFile } from "./model-file.ts";

/** What there is to show of a file. */
export function detailsOf({ name, gguf, model, parameters, source, template }: ModelFile): ModelDetails {
  const { metadata } = gguf;
  const tensors = [...gguf.tensors.values()];
  const types = [...new Set(tensors.map(({ type }) => type))].map((type) => {
    const of = tensors.filter((tensor) => tensor.type === type);
    return { type, tensors: of.length, sizeBytes: of.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  });
  return {
    name,
    architecture: metadata.text("general.architecture") ?? "",
    shape: model.shape,
    parameters,
    sizeBytes: source.sizeBytes,
    template: template.name,
    tokenizer: metadata.text("tokenizer.ggml.model") ?? "",
    licence: metadata.text("general.license"),
    types: types.sort((a, b) => b.sizeBytes - a.sizeBytes),
    tensors: tensors.map(({ name, type, rows, cols }) => ({ name, type, rows, cols })),
    metadata: metadata.keys.map((key) => ({ key, value: metadata.describe(key) })),
  };
}
