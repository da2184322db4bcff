// Keys and values of the cache on their way out of GPU memory and back.
import type { Snapshots } from "../base/backend.ts";
import { assert } from "../base/errors.ts";
import type { Shape } from "../base/model.ts";
import type { Memory } from "./memory.ts";
import { rowBytes } from "./memory.ts";
import type { Runner, Span } from "./run.ts";

/** Reads and writes the cache, a layer at a time. `check` throws where the model cannot be used any more. */
export function snapshotsOf(runner: Runner, memory: Memory, { layers, kvHeads, headDim }: Shape, check: () => void): Snapshots {
  const { cache, contextLength } = memory;
  const rowSize = rowBytes(cache, headDim);
  const layerBytes = 2 * kvHeads * rowSize; // of one position
  // A layer's keys head by head, then its values: positions are neighbours within a head.
  const spansOf = (layer: number, first: number, count: number): Span[] =>
    [memory.keys[layer]!, memory.values[layer]!].flatMap((buffer) =>
      Array.from({ length: kvHeads }, (_, head) => {
        return { buffer, offset: (head * contextLength + first) * rowSize, sizeBytes: count * rowSize };
      }),
    );
  return {
    form: `webgpu ${cache}`,
    positionBytes: layers * layerBytes,
    async read(first, count) {
      check();
      assert(first + count <= contextLength, `The cache has no position ${first + count - 1}.`);
      const bytes = new Uint8Array(layers * layerBytes * count);
      if (count === 0) return bytes;
      for (let layer = 0; layer < layers; layer++) {
        bytes.set(new Uint8Array(await runner.fetch(spansOf(layer, first, count))), layer * layerBytes * count);
      }
      return bytes;
    },
    async write(first, bytes) {
      check();
      const count = bytes.length / (layers * layerBytes);
      assert(Number.isInteger(count) && first + count <= contextLength, `A snapshot of ${count} positions does not fit.`);
      if (count === 0) return;
      let at = 0;
      for (let layer = 0; layer < layers; layer++) {
        for (const { buffer, offset, sizeBytes } of spansOf(layer, first, count)) {
          runner.put(buffer, offset, bytes.subarray(at, (at += sizeBytes)));
        }
        await runner.finished(); // what is written waits in memory of its own until then
      }
    },
  };
}
