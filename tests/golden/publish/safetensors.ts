// Writes safetensors files.
import type { FloatType } from "../../../workers/engine/checkpoint/formats/stored.ts";
import { join, little, utf8, type Bytes } from "./bytes.ts";
import { bytesOf, type StateDict } from "./weights.ts";

/** save_file(state_dict). */
export function safetensors(weights: StateDict, type: FloatType = "F32"): Bytes {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const blobs: Bytes[] = [];
  let at = 0;
  for (const [name, tensor] of weights) {
    const bytes = bytesOf(tensor, type);
    header[name] = { dtype: type, shape: tensor.extents, data_offsets: [at, at + bytes.length] };
    blobs.push(bytes);
    at += bytes.length;
  }
  const json = utf8(JSON.stringify(header));
  const padded = join(json, utf8(" ".repeat((8 - (json.length % 8)) % 8)));
  return join(little(padded.length, 8), padded, ...blobs);
}
