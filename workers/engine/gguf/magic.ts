// The first bytes: is this a GGUF file of a version we read, and if not, what is it?
import { EngineError } from "../base/errors.ts";

const VERSIONS = "Choose a newer GGUF file of the model: versions 2 and 3 are read.";

/** The version of a GGUF file, 2 or 3. Throws `not_gguf` for anything else, and says what it seems to be. */
export function checkMagic(first: Uint8Array): 2 | 3 {
  const letters = String.fromCharCode(...first);
  if (!letters.startsWith("GGUF")) {
    throw new EngineError(
      "not_gguf",
      `This is not a GGUF model file but ${kindOf(letters)}.`,
      "Choose a file whose name ends in .gguf.",
    );
  }
  const version = new DataView(first.buffer, first.byteOffset).getUint32(4, true);
  if (version === 2 || version === 3) return version;
  if (version === 1) throw new EngineError("not_gguf", "This GGUF file is of version 1, which is no longer in use.", VERSIONS);
  if (version % 65536 === 0)
    throw new EngineError(
      "not_gguf",
      "This GGUF file is for big-endian machines.",
      "Choose the common, little-endian file of the model.",
    );
  throw new EngineError("not_gguf", `This GGUF file is of version ${version}, which is unknown.`, VERSIONS);
}

/** What people open by mistake, by how it starts. */
const KINDS = [
  ["lmgg", "an older GGML file"],
  ["fmgg", "an older GGML file"],
  ["tjgg", "an older GGML file"],
  ["PK", "a zip archive or a PyTorch file"],
  ["\x80\x02", "a pickled PyTorch file"],
  ["<", "a web page"],
  ["version ", "a Git LFS pointer, which stands for a file that was not downloaded"],
  ["{", "a JSON file"],
  ["\x08", "an ONNX file"],
] as const;

function kindOf(letters: string): string {
  if (letters.startsWith('{"', 8)) return "a safetensors file"; // after the 8-byte length of its header
  return KINDS.find(([start]) => letters.trimStart().startsWith(start))?.[1] ?? "something else";
}
