// Model files from the user's disk, one or all of a split model, as one file.
import { EngineError } from "../engine/base/errors.ts";
import type { ByteSource } from "../engine/base/source.ts";
import { joinSplit } from "../engine/gguf/join.ts";
import { asOnnx } from "./onnx-sources.ts";
import { openFile } from "../store/local.ts";
import { partIn, wholeName } from "../store/names.ts";

/** Opens the files that the user picked, in place. Throws `bad_request` where there are none, `bad_file` where they are not of one model. */
export async function openFiles(files: readonly File[], signal?: AbortSignal): Promise<ByteSource> {
  const onnx = openOnnxFiles(files);
  if (onnx) return onnx;
  const [first] = files;
  if (!first) throw new EngineError("bad_request", "No file was given.", "Choose a GGUF file.");
  // A part alone, too: joining says which ones are missing.
  if (files.length === 1 && !partIn(first.name)) return openFile(first);
  return joinSplit(wholeName(first.name), files.map(openFile), signal);
}

/** A folder with a graph in it; null for other files. Folders that were picked whole tell where in them a file lies. */
function openOnnxFiles(files: readonly File[]): ByteSource | null {
  const paths = new Map(files.map((file) => [openFile(file), file.webkitRelativePath || file.name]));
  return asOnnx([...paths.keys()], undefined, (source) => paths.get(source)!);
}
