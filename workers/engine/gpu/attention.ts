// Dispatches of attention: split over positions for one token, flash attention for many.
import { KERNELS } from "../../../shaders/index.ts";
import { assert } from "../base/errors.ts";
import type { Attend } from "../base/model.ts";
import type { Dispatch, Parts, Rows } from "./dispatch.ts";
import { buffersOf } from "./dispatch.ts";
import { MAX_SPLITS, rowBytes } from "./memory.ts";

/** Attention of a layer, to the text and then to the prompts of adapters. */
export function attention(parts: Parts, { layer, scale, window }: Attend, rows: Rows): Dispatch[] {
  const { programs, memory, shape, tuning } = parts;
  const { heads, kvHeads, headDim } = shape;
  const { head8, cache } = memory;
  // Flash attention: queries of 16 or 32 tokens fit 16 kB of shared memory; where sharing does not pay, less is shared.
  const quads = head8 > 8 || tuning.many === "few" ? 4 : 8;
  assert(cache === "f16" || headDim <= 256, `Heads of ${headDim} have no cache of bytes.`);
  const constants = {
    HEAD: headDim,
    HEAD8: head8,
    GROUP: heads / kvHeads,
    CONTEXT: memory.contextLength,
    SCALE: scale,
    ...(window && { WINDOW: window }),
    MAX_SPLITS,
    QUERY_STRIDE: memory.width.q,
    RECORD: rowBytes("int8", headDim) / 8,
    KV_HEADS: kvHeads,
    KV_WIDTH: kvHeads * headDim,
    Q_WIDTH: heads * headDim,
    RESULT_STRIDE: memory.width.attended,
    QUADS: quads,
    KEYS: tuning.many === "few" ? 16 : 32,
  };
  const prompts = parts.adapters.flatMap(({ prompts, strength }) => {
    const prompt = prompts.get(layer);
    if (!prompt) return [];
    const { length, keys, values, gates } = prompt;
    const program = programs.program(KERNELS.prompt, { ...constants, LENGTH: length });
    const grid = [heads, { tokens: 1 }, 1] as const;
    return [{ program, buffers: { ...buffersOf(memory), keys, values, gates, strength }, grid, merges: false }];
  });
  const buffers = { ...buffersOf(memory), keys: memory.keys[layer]!, values: memory.values[layer]! };
  if (rows !== "one") {
    const flash = programs.program(KERNELS[`flash_${cache}`], constants);
    const keep = programs.program(KERNELS.keep, constants);
    return [
      ...(cache === "int8" ? [{ program: keep, buffers, grid: [{ tokens: 1 }, kvHeads, 1], merges: false } as const] : []),
      { program: flash, buffers, grid: [{ tokens: 4 * quads }, heads, 1], merges: false },
      ...prompts,
    ];
  }
  const attend = programs.program(KERNELS[`attend_${cache}`], constants);
  return [
    { program: attend, buffers, grid: ["splits", kvHeads, 1], merges: false, window },
    { program: programs.program(KERNELS.merge, constants), buffers, grid: [heads, 1, 1], merges: true, window },
    ...prompts,
  ];
}
