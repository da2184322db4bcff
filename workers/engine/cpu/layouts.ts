// How each tensor type rests in WASM memory: the TypeScript side of assembly/tile.ts.
import type { QuantName } from "../../../shaders/quant/index.ts";
import type { Model, Tensor } from "../base/model.ts";
import * as words from "./assembly/words.ts";

/** Packed weights of one kind: bytes of a tile (8 rows by 32 columns), and of what precedes every eighth tile. */
export interface Layout {
  readonly id: number;
  readonly tileBytes: number;
  readonly superBytes: number;
  /** Weights and activations stay floats. */
  readonly float: boolean;
}

const packed = (id: number, tileBytes: number, superBytes = 0): Layout => ({ id, tileBytes, superBytes, float: false });
const floats = (id: number, bytes: number): Layout => ({ id, tileBytes: 8 * 32 * bytes, superBytes: 0, float: true });

/** Types that are kept as they are in the file, weight by weight. Every other type becomes `WIDE`. */
const NATIVE: Partial<Record<QuantName, Layout>> = {
  F32: floats(words.L_F32, 4),
  F16: floats(words.L_F16, 2),
  BF16: floats(words.L_BF16, 2),
  Q4_0: packed(words.L_Q4_0, 144),
  Q4_1: packed(words.L_Q4_1, 160),
  Q5_0: packed(words.L_Q5_0, 176),
  Q5_1: packed(words.L_Q5_1, 192),
  Q8_0: packed(words.L_Q8_0, 272),
  Q4_K: packed(words.L_Q4_K, 144, 32),
  Q5_K: packed(words.L_Q5_K, 176, 32),
  Q6_K: packed(words.L_Q6_K, 208, 16),
  Q3_K: packed(words.L_Q3_K, 144, 16),
  Q2_K: packed(words.L_Q2_K, 160, 32),
};

/** Eight bits and an f16 scale for 16 weights: wide enough for the codebooks of the other types. */
export const WIDE = packed(words.L_WIDE, 288);

/** The layout a tensor type rests in. */
export function layoutOf(type: QuantName): Layout {
  return NATIVE[type] ?? WIDE;
}

/** Whether a type keeps its own bits. */
export function isNative(type: QuantName): boolean {
  return type in NATIVE;
}

/** Bytes of eight packed rows. */
export function groupBytes({ tileBytes, superBytes, float }: Layout, cols: number): number {
  if (float) return (tileBytes / 32) * cols;
  return (cols / 32) * tileBytes + Math.ceil(cols / 256) * superBytes;
}

/** Bytes of a packed matrix. */
export function matrixBytes(layout: Layout, rows: number, cols: number): number {
  return Math.ceil(rows / 8) * groupBytes(layout, cols);
}

/** Norm weights and biases are vectors; a matrix may have one row too. */
export function isVector(model: Model, { name, rows }: Tensor): boolean {
  if (rows > 1) return false;
  return model.segments.some(({ steps }) =>
    steps.some((step) => {
      if (step.op === "linear") return step.norm?.weight.name === name || step.bias?.name === name;
      return step.op === "experts" && step.norm.weight.name === name;
    }),
  );
}
