// What can be loaded: a GGUF file, or an ONNX graph with the files beside it.
import type { ByteSource } from "./base/source.ts";
import { readModelFile, type ModelFile } from "./model-file.ts";
import type { OnnxFile } from "./onnx/file.ts";
import { OnnxFolder } from "./onnx/folder.ts";

export type Loadable = ModelFile | OnnxFile;

/** Reads what is known of a model without its weights. Throws as `readModelFile` and `readOnnxFile`. */
export async function readLoadable(source: ByteSource, signal?: AbortSignal): Promise<Loadable> {
  if (!(source instanceof OnnxFolder)) return readModelFile(source, signal);
  return (await import("./onnx/file.ts")).readOnnxFile(source, signal);
}

/** Whether it is a GGUF file, whose tensors our own kernels compute with. */
export function isGguf(file: Loadable): file is ModelFile {
  return "gguf" in file;
}
