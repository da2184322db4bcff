// State dicts of given shapes, for files whose form matters and whose numbers do not.
import type { FloatType } from "../../../../workers/engine/checkpoint/formats/stored.ts";
import type { Bytes } from "../../../golden/publish/bytes.ts";
import { safetensors } from "../../../golden/publish/safetensors.ts";
import { torchZip } from "../../../golden/publish/torch.ts";

/** Tensors of these extents; each begins with 0.5, and goes on between -0.5 and 0.5. */
export function bytesOfState(
  tensors: Readonly<Record<string, readonly number[]>>,
  form: "torch" | "safetensors",
  type: FloatType = "F32",
): Bytes {
  const state = new Map(
    Object.entries(tensors).map(([name, extents]) => {
      const count = extents.reduce((product, extent) => product * extent, 1);
      const values = Float32Array.from({ length: count }, (_, i) => 0.5 - ((i * 37) % 101) / 101);
      return [name, { extents, values }] as const;
    }),
  );
  return form === "torch" ? torchZip(state, { type }) : safetensors(state, type);
}
